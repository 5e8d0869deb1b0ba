"""The bodies of /customer/*, the callers' own customers, and of /tag/*."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import ConfigDict, Field

from shared.wire.admin_budgets import BudgetFields, BudgetInfo
from shared.wire.admin_fields import (
    MAX_AT_ONCE,
    AdminModel,
    AdminRequest,
    Dollars,
    Identifier,
    Names,
)


class CustomerFields(BudgetFields):
    """What a customer can be given; the limits lie in the budget that it links to."""

    alias: Identifier | None = None
    blocked: bool | None = None
    allowed_model_region: Identifier | None = None
    default_model: Identifier | None = None
    models: Names | None = None
    budget_id: Identifier | None = None
    spend: Dollars | None = None


class NewCustomer(CustomerFields):
    """POST /customer/new."""

    user_id: Identifier


class UpdateCustomer(NewCustomer):
    """POST /customer/update: only the fields that are there change; null empties one."""


class NameCustomers(AdminRequest):
    """POST /customer/delete, /customer/block and /customer/unblock."""

    user_ids: Annotated[list[Identifier], Field(min_length=1, max_length=MAX_AT_ONCE)]


class CustomerColumns(AdminModel):
    """The columns of a customer that an admin sets."""

    model_config = ConfigDict(frozen=True)

    alias: str | None = None
    blocked: bool = False
    allowed_model_region: str | None = None
    default_model: str | None = None
    models: list[str] = Field(default_factory=list[str])
    budget_id: str | None = None


class CustomerInfo(CustomerColumns):
    """A customer as the API shows them."""

    user_id: str
    spend: Decimal
    created_at: datetime
    updated_at: datetime
    litellm_budget_table: BudgetInfo | None = None


class DeletedCustomers(AdminModel):
    """The answer to /customer/delete."""

    deleted_customers: int
    message: str


class BlockedCustomers(AdminModel):
    """The answer to /customer/block and /customer/unblock: those that were named."""

    blocked_users: list[CustomerInfo]


class TagFields(BudgetFields):
    """What a tag can be given; the limits lie in the budget that it links to."""

    description: Annotated[str, Field(max_length=2_000)] | None = None
    models: Names | None = None
    budget_id: Identifier | None = None


class NewTag(TagFields):
    """POST /tag/new."""

    name: Identifier


class UpdateTag(NewTag):
    """POST /tag/update: only the fields that are there change; null empties one."""

    spend: Dollars | None = None


class NameTag(AdminRequest):
    """POST /tag/delete."""

    name: Identifier


class NameTags(AdminRequest):
    """POST /tag/info."""

    names: Annotated[list[Identifier], Field(min_length=1, max_length=MAX_AT_ONCE)]


class TagColumns(AdminModel):
    """The columns of a tag that an admin sets."""

    model_config = ConfigDict(frozen=True)

    description: str | None = None
    models: list[str] = Field(default_factory=list[str])
    budget_id: str | None = None


class TagInfo(TagColumns):
    """A tag as the API shows it."""

    name: str
    spend: Decimal
    created_at: datetime
    created_by: str | None = None
    updated_at: datetime
    updated_by: str | None = None
    litellm_budget_table: BudgetInfo | None = None


class ChangedTag(AdminModel):
    """The answer to /tag/new and /tag/update."""

    message: str
    tag: TagInfo


class Told(AdminModel):
    """The answer to /tag/delete."""

    message: str
