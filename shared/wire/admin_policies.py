"""What keys, users and teams have in common on the admin API: limits, budgets, metadata."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, JsonValue, model_validator

from shared.wire.admin_fields import (
    AdminModel,
    AdminRequest,
    Document,
    Dollars,
    Duration,
    Identifier,
    LimitType,
    ModelBudgets,
    ModelRates,
    Names,
    Parallel,
    Rate,
    Unsupported,
)

MAX_LIMITS: Final = 20


class BudgetLimit(AdminRequest):
    """One of several budgets that hold at once: so much in each such span."""

    max_budget: Dollars
    budget_duration: Duration


BudgetLimits = Annotated[list[BudgetLimit], Field(max_length=MAX_LIMITS)]
"""Budgets that hold at once."""

_UNSUPPORTED: Final = frozenset(
    {
        *("guardrails", "policies", "project_id", "agent_id", "object_permission"),
        "denied_passthrough_routes",
    }
)


class PolicyFields(AdminRequest):
    """What any of them can be given when it is made or changed."""

    organization_id: Identifier | None = None
    models: Names | None = None
    spend: Dollars | None = None
    max_budget: Dollars | None = None
    soft_budget: Dollars | None = None
    budget_duration: Duration | None = None
    model_max_budget: ModelBudgets | None = None
    max_parallel_requests: Parallel | None = None
    rpm_limit: Rate | None = None
    tpm_limit: Rate | None = None
    rph_limit: Rate | None = None
    tph_limit: Rate | None = None
    rpd_limit: Rate | None = None
    tpd_limit: Rate | None = None
    budget_limits: BudgetLimits | None = None
    metadata: Document | None = None
    blocked: bool | None = None
    # Kept in the metadata, where LiteLLM keeps them.
    tags: Names | None = None
    model_rpm_limit: ModelRates | None = None
    model_tpm_limit: ModelRates | None = None
    rpm_limit_type: LimitType | None = None
    tpm_limit_type: LimitType | None = None
    guardrails: Unsupported = None
    policies: Unsupported = None
    prompts: Names | None = None

    @model_validator(mode="after")
    def _forget_what_says_nothing(self) -> Self:
        """Leave out of what was sent the fields that mean nothing here: forms send them empty."""
        self.model_fields_set.difference_update(_UNSUPPORTED)
        return self


class PolicyColumns(AdminModel):
    """The columns any of them has that an admin sets; a default is what null in a body means."""

    model_config = ConfigDict(frozen=True)

    organization_id: str | None = None
    models: list[str] = Field(default_factory=list[str])
    max_budget: Decimal | None = None
    soft_budget: Decimal | None = None
    budget_duration: str | None = None
    budget_reset_at: datetime | None = None
    model_max_budget: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    max_parallel_requests: int | None = None
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    rph_limit: int | None = None
    tph_limit: int | None = None
    rpd_limit: int | None = None
    tpd_limit: int | None = None
    budget_limits: list[dict[str, JsonValue]] | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    blocked: bool = False


class PolicyInfo(PolicyColumns):
    """What the API shows of any of them beside; the start of the period is for us alone."""

    spend: Decimal
    created_at: datetime
    updated_at: datetime
    budget_started_at: datetime = Field(exclude=True)
