"""The bodies of /budget/*: limits that others link to."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from shared.wire.admin_fields import (
    MAX_ENTRIES,
    AdminModel,
    AdminRequest,
    Dollars,
    Duration,
    Identifier,
    ModelBudgets,
    Moment,
    Names,
    Parallel,
    Rate,
)


class BudgetFields(AdminRequest):
    """What a budget can be given when it is made or changed."""

    max_budget: Dollars | None = None
    soft_budget: Dollars | None = None
    max_parallel_requests: Parallel | None = None
    tpm_limit: Rate | None = None
    rpm_limit: Rate | None = None
    rph_limit: Rate | None = None
    tph_limit: Rate | None = None
    rpd_limit: Rate | None = None
    tpd_limit: Rate | None = None
    budget_duration: Duration | None = None
    model_max_budget: ModelBudgets | None = None
    allowed_models: Names | None = None


class NewBudget(BudgetFields):
    """POST /budget/new."""

    budget_id: Identifier | None = None
    budget_reset_at: Moment | None = None


class UpdateBudget(BudgetFields):
    """POST /budget/update: only the fields that are there change; null empties one."""

    budget_id: Identifier
    budget_reset_at: Moment | None = None


class NameBudgets(AdminRequest):
    """POST /budget/info."""

    budgets: Annotated[list[Identifier], Field(min_length=1, max_length=MAX_ENTRIES)]


class NameBudget(AdminRequest):
    """POST /budget/delete."""

    id: Identifier


class BudgetColumns(AdminModel):
    """The columns of a budget that an admin sets."""

    model_config = ConfigDict(frozen=True)

    max_budget: Decimal | None = None
    soft_budget: Decimal | None = None
    max_parallel_requests: int | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    rph_limit: int | None = None
    tph_limit: int | None = None
    rpd_limit: int | None = None
    tpd_limit: int | None = None
    budget_duration: str | None = None
    budget_reset_at: datetime | None = None
    model_max_budget: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    allowed_models: list[str] = Field(default_factory=list[str])


class BudgetInfo(BudgetColumns):
    """A budget as the API shows it."""

    budget_id: str
    created_at: datetime
    created_by: str | None = None
    updated_at: datetime
    updated_by: str | None = None


class BudgetSetting(AdminModel):
    """One field of a budget, described for a form."""

    field_name: str
    field_type: str
    field_description: str
    field_value: JsonValue = None
    stored_in_db: bool
    field_default_value: JsonValue = None
