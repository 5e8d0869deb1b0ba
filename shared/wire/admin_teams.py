"""The bodies of /team/*: what they ask for, and a team as they show it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from shared.wire.admin_budgets import BudgetInfo
from shared.wire.admin_fields import (
    MAX_AT_ONCE,
    MAX_ENTRIES,
    AdminModel,
    AdminRequest,
    Aliases,
    Document,
    Dollars,
    Duration,
    Identifier,
    Names,
    Rate,
)
from shared.wire.admin_keys import KeyInfo
from shared.wire.admin_policies import PolicyColumns, PolicyFields, PolicyInfo

MEMBER_PERMISSIONS: Final = (
    "/key/info",
    "/key/list",
    "/key/generate",
    "/key/service-account/generate",
    "/key/update",
    "/key/delete",
    "/key/regenerate",
)
"""What a team may let every member do with its keys."""

Permissions = Annotated[
    list[
        Literal[
            "/key/info",
            "/key/list",
            "/key/generate",
            "/key/service-account/generate",
            "/key/update",
            "/key/delete",
            "/key/regenerate",
        ]
    ],
    Field(max_length=MAX_ENTRIES),
]
"""Some of them."""


class Member(AdminRequest):
    """A user's place in a team; named by id or by address."""

    role: Literal["admin", "user"]
    user_id: Identifier | None = None
    user_email: Identifier | None = None

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.user_id is None and self.user_email is None:
            raise ValueError("a member needs a user_id or a user_email")
        return self


class TeamFields(PolicyFields):
    """What a team can be given when it is made or changed."""

    team_alias: Identifier | None = None
    model_aliases: Aliases | None = None
    team_member_permissions: Permissions | None = None
    router_settings: Document | None = None
    team_member_budget: Dollars | None = None
    team_member_budget_duration: Duration | None = None
    team_member_key_duration: Duration | None = None
    team_member_rpm_limit: Rate | None = None
    team_member_tpm_limit: Rate | None = None


class NewTeam(TeamFields):
    """POST /team/new."""

    team_id: Identifier | None = None
    members_with_roles: Annotated[list[Member], Field(max_length=MAX_ENTRIES)] | None = None


class UpdateTeam(TeamFields):
    """POST /team/update: only the fields that are there change; null empties one."""

    team_id: Identifier


class PatchTeam(TeamFields):
    """PATCH /team/{team_id}: as an update, but for the name that stands in the path."""


class DeleteTeams(AdminRequest):
    """POST /team/delete."""

    team_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MAX_AT_ONCE)]


class TeamModels(AdminRequest):
    """POST /team/model/add and /team/model/delete."""

    team_id: Identifier
    models: Names


class TeamPermissions(AdminRequest):
    """POST /team/permissions_update."""

    team_id: Identifier
    team_member_permissions: Permissions


class ManyTeamPermissions(AdminRequest):
    """POST /team/permissions_bulk_update: what is added to the permissions of teams."""

    permissions: Annotated[Permissions, Field(min_length=1)]
    team_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MAX_AT_ONCE)] | None = None
    apply_to_all_teams: bool = False


class ManyTeamPermissionsReply(AdminModel):
    """How many teams have them now."""

    message: str
    teams_updated: int
    permissions_appended: list[str]


TeamSort = Literal["created_at", "updated_at", "team_id", "team_alias", "spend", "max_budget"]
"""The columns that teams may be listed by."""


class ListTeams(BaseModel):
    """GET /team/list."""

    model_config = ConfigDict(frozen=True)

    user_id: Identifier | None = None
    organization_id: Identifier | None = None


class PageTeams(ListTeams):
    """GET /v2/team/list."""

    team_id: Identifier | None = None
    team_alias: Identifier | None = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=100)] = 10
    sort_by: TeamSort = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"


class NameTeam(AdminRequest):
    """POST /team/block and /team/unblock."""

    team_id: Identifier


class AddCallback(AdminRequest):
    """POST /team/{team_id}/callback."""

    callback_name: Identifier
    callback_type: Literal["success", "failure", "success_and_failure"] = "success_and_failure"
    callback_vars: Document


class NoCallbacks(AdminModel):
    """A team whose requests go nowhere, in LiteLLM's words (1.106: team_callback_endpoints.py)."""

    team_id: str
    success_callbacks: list[str] = Field(default_factory=list[str])
    failure_callbacks: list[str] = Field(default_factory=list[str])


class CallbackData(NoCallbacks):
    """The callbacks of a team."""

    callback_vars: dict[str, str] = Field(default_factory=dict[str, str])


class TeamCallbacks(AdminModel):
    """GET /team/{team_id}/callback."""

    status: str = "success"
    data: CallbackData


class LoggingReply(AdminModel):
    """POST /team/{team_id}/disable_logging."""

    status: str = "success"
    message: str
    data: NoCallbacks


class TeamColumns(PolicyColumns):
    """The columns of a team that an admin sets."""

    team_alias: str | None = None
    model_aliases: dict[str, str] = Field(default_factory=dict[str, str])
    team_member_permissions: list[str] = Field(default_factory=list[str])
    router_settings: dict[str, JsonValue] | None = None


class TeamMember(AdminModel):
    """A member as a team's row has it."""

    role: str
    user_id: str | None = None
    user_email: str | None = None


class TeamInfo(TeamColumns, PolicyInfo):
    """A team as the API shows it."""

    team_id: str
    members_with_roles: list[TeamMember] = Field(default_factory=list[TeamMember])


class TeamMembership(AdminModel):
    """What one member has spent in a team, and may."""

    user_id: str
    team_id: str
    budget_id: str | None = None
    spend: Decimal
    total_spend: Decimal
    litellm_budget_table: BudgetInfo | None = None

    @classmethod
    def of_nothing(cls, user_id: str, team_id: str) -> TeamMembership:
        """Make that of a member who has no row: nothing was spent."""
        return cls(user_id=user_id, team_id=team_id, spend=Decimal(0), total_spend=Decimal(0))


class OwnMembership(TeamMembership):
    """GET /team/{team_id}/members/me."""

    team_alias: str | None = None
    role: str
    user_email: str | None = None


class TeamInfoReply(AdminModel):
    """The answer to /team/info."""

    team_id: str
    team_info: TeamInfo
    keys: list[KeyInfo]
    team_memberships: list[TeamMembership]


class UpdatedTeam(AdminModel):
    """The answer to /team/update."""

    team_id: str
    data: TeamInfo


class ListedTeam(TeamInfo):
    """A team as /team/list shows it."""

    team_memberships: list[TeamMembership]
    keys: list[KeyInfo]


class TeamPage(AdminModel):
    """The answer to /v2/team/list."""

    teams: list[TeamInfo]
    total: int
    page: int
    page_size: int
    total_pages: int


class TeamPermissionsReply(AdminModel):
    """The answer to /team/permissions_list."""

    team_id: str
    team_member_permissions: list[str]
    all_available_permissions: list[str]


class DeletedTeams(AdminModel):
    """The answer to /team/delete."""

    deleted_teams: list[str]
