"""The bodies of /team/*: what they ask for, and a team as they show it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import BaseModel, Field, model_validator

from shared.wire.admin_fields import MAX_ENTRIES, AdminRequest, Aliases, Identifier, Names
from shared.wire.admin_keys import KeyInfo
from shared.wire.admin_policies import PolicyColumns, PolicyFields, PolicyInfo


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
    tags: Names | None = None


class NewTeam(TeamFields):
    """POST /team/new."""

    team_id: Identifier | None = None
    members_with_roles: Annotated[list[Member], Field(max_length=MAX_ENTRIES)] | None = None


class UpdateTeam(TeamFields):
    """POST /team/update: only the fields that are there change; null empties one."""

    team_id: Identifier


class NameTeam(AdminRequest):
    """POST /team/block and /team/unblock."""

    team_id: Identifier


class TeamColumns(PolicyColumns):
    """The columns of a team that an admin sets."""

    team_alias: str | None = None
    model_aliases: dict[str, str] = Field(default_factory=dict[str, str])


class TeamMember(BaseModel):
    """A member as a team's row has it."""

    role: str
    user_id: str | None = None
    user_email: str | None = None


class TeamInfo(TeamColumns, PolicyInfo):
    """A team as the API shows it."""

    team_id: str
    members_with_roles: list[TeamMember] = Field(default_factory=list[TeamMember])


class TeamMembership(BaseModel):
    """What one member has spent in a team."""

    user_id: str
    team_id: str
    budget_id: str | None = None
    spend: Decimal


class TeamInfoReply(BaseModel):
    """The answer to /team/info."""

    team_id: str
    team_info: TeamInfo
    keys: list[KeyInfo]
    team_memberships: list[TeamMembership]


class UpdatedTeam(BaseModel):
    """The answer to /team/update."""

    team_id: str
    data: TeamInfo
