"""The bodies about members of teams."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.wire.admin_budgets import BudgetFields
from shared.wire.admin_fields import (
    MAX_AT_ONCE,
    AdminModel,
    AdminRequest,
    Dollars,
    Duration,
    Identifier,
    Names,
    Rate,
)
from shared.wire.admin_teams import Member, TeamInfo, TeamMembership
from shared.wire.admin_users import UserInfo


class MemberLimits(AdminRequest):
    """What a member may use and spend in the team."""

    max_budget_in_team: Dollars | None = None
    budget_duration: Duration | None = None
    rpm_limit: Rate | None = None
    tpm_limit: Rate | None = None
    allowed_models: Names | None = None

    @property
    def budget(self) -> BudgetFields | None:
        """The limits as a budget, which they lie in; None when nothing is said of them."""
        columns = {
            "max_budget_in_team": "max_budget",
            "budget_duration": "budget_duration",
            "rpm_limit": "rpm_limit",
            "tpm_limit": "tpm_limit",
            "allowed_models": "allowed_models",
        }
        sent = {
            column: getattr(self, name)
            for name, column in columns.items()
            if name in self.model_fields_set
        }
        # Checked already, under their own names.
        return BudgetFields.model_construct(_fields_set=set(sent), **sent) if sent else None


class AddMembers(MemberLimits):
    """POST /team/member_add: one member or several."""

    team_id: Identifier
    member: Member | Annotated[list[Member], Field(min_length=1, max_length=MAX_AT_ONCE)]


class AddManyMembers(MemberLimits):
    """POST /team/bulk_member_add: these users, or all that there are."""

    team_id: Identifier
    members: Annotated[list[Member], Field(min_length=1, max_length=MAX_AT_ONCE)] | None = None
    all_users: bool = False

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if (self.members is not None) == self.all_users:
            raise ValueError("give either members or all_users")
        return self


class NameMember(AdminRequest):
    """POST /team/member_delete."""

    team_id: Identifier
    user_id: Identifier | None = None
    user_email: Identifier | None = None


class UpdateMember(MemberLimits):
    """POST /team/member_update."""

    team_id: Identifier
    user_id: Identifier | None = None
    user_email: Identifier | None = None
    role: Literal["admin", "user"] | None = None


class ResetMemberSpend(AdminRequest):
    """POST /team/{team_id}/member/{user_id}/reset_spend."""

    reset_to: Dollars = Decimal(0)


class AddedMembers(TeamInfo):
    """The answer to /team/member_add."""

    updated_users: list[UserInfo]
    updated_team_memberships: list[TeamMembership]


class MemberResult(AdminModel):
    """What became of one member of a bulk addition."""

    user_id: str | None
    user_email: str | None
    success: bool
    error: str | None = None
    updated_user: UserInfo | None = None
    updated_team_membership: TeamMembership | None = None


class AddedManyMembers(AdminModel):
    """The answer to /team/bulk_member_add."""

    team_id: str
    results: list[MemberResult]
    total_requested: int
    successful_additions: int
    failed_additions: int
    updated_team: TeamInfo


class UpdatedMember(AdminModel):
    """The answer to /team/member_update."""

    team_id: str
    user_id: str
    user_email: str | None = None
    role: str
    max_budget_in_team: Decimal | None = None
    rpm_limit: int | None = None
    tpm_limit: int | None = None
