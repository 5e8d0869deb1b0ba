"""The bodies of /organization/*: what they ask for, and an organisation as they show it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from shared.wire.admin_budgets import BudgetFields, BudgetInfo
from shared.wire.admin_fields import (
    MAX_AT_ONCE,
    AdminModel,
    AdminRequest,
    Document,
    Dollars,
    Identifier,
    Names,
)
from shared.wire.admin_teams import TeamInfo
from shared.wire.admin_users import UserInfo

OrganizationRole = Literal["org_admin", "internal_user", "internal_user_viewer"]
"""What somebody may be in an organisation."""


class OrganizationFields(BudgetFields):
    """What an organisation can be given; its limits lie in the budget that it links to."""

    organization_alias: Identifier | None = None
    budget_id: Identifier | None = None
    models: Names | None = None
    metadata: Document | None = None
    blocked: bool | None = None


class NewOrganization(OrganizationFields):
    """POST /organization/new."""

    organization_id: Identifier | None = None


class UpdateOrganization(OrganizationFields):
    """PATCH /organization/update: only the fields that are there change; null empties one."""

    organization_id: Identifier
    spend: Dollars | None = None


class DeleteOrganizations(AdminRequest):
    """DELETE /organization/delete."""

    organization_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MAX_AT_ONCE)]


class NewMember(AdminRequest):
    """A user's place in an organisation; named by id or by address."""

    role: OrganizationRole
    user_id: Identifier | None = None
    user_email: Identifier | None = None

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if self.user_id is None and self.user_email is None:
            raise ValueError("a member needs a user_id or a user_email")
        return self


class AddOrganizationMembers(AdminRequest):
    """POST /organization/member_add: one member or several."""

    organization_id: Identifier
    member: NewMember | Annotated[list[NewMember], Field(min_length=1, max_length=MAX_AT_ONCE)]
    max_budget_in_organization: Dollars | None = None


class NameOrganizationMember(AdminRequest):
    """DELETE /organization/member_delete."""

    organization_id: Identifier
    user_id: Identifier | None = None
    user_email: Identifier | None = None


class UpdateOrganizationMember(NameOrganizationMember):
    """PATCH /organization/member_update."""

    role: OrganizationRole | None = None
    max_budget_in_organization: Dollars | None = None


class OrganizationColumns(AdminModel):
    """The columns of an organisation that an admin sets."""

    model_config = ConfigDict(frozen=True)

    organization_alias: str | None = None
    budget_id: str | None = None
    models: list[str] = Field(default_factory=list[str])
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    blocked: bool = False


class OrganizationRow(OrganizationColumns):
    """An organisation by itself."""

    organization_id: str
    spend: Decimal
    budget_started_at: datetime = Field(exclude=True)
    created_at: datetime
    created_by: str | None = None
    updated_at: datetime
    updated_by: str | None = None


class OrganizationMember(AdminModel):
    """Somebody's place in an organisation, and what they spent there."""

    organization_id: str
    user_id: str
    user_role: str | None = None
    spend: Decimal
    budget_id: str | None = None
    created_at: datetime
    updated_at: datetime
    user_email: str | None = None


class OrganizationInfo(OrganizationRow):
    """An organisation as the API shows it."""

    litellm_budget_table: BudgetInfo | None = None
    members: list[OrganizationMember] = Field(default_factory=list[OrganizationMember])
    teams: list[TeamInfo] = Field(default_factory=list[TeamInfo])


class AddedOrganizationMembers(AdminModel):
    """The answer to /organization/member_add."""

    organization_id: str
    updated_users: list[UserInfo]
    updated_organization_memberships: list[OrganizationMember]
