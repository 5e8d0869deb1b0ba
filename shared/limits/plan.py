"""What one call must find room in, and for how long that stays true. Pure; time is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import Millis
from shared.limits.budgets import BudgetRules, budgets_of, since_of
from shared.limits.budgets import is_of_model as is_budget_of_model
from shared.limits.places import candidate_line
from shared.limits.rates import is_of_model as is_rate_of_model
from shared.limits.rates import lease_lines, rate_lines
from shared.limits.windows import MINUTE_MS, minute_start
from shared.storage.plans import BudgetLine, Lost, Plan, RateLine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.domain import JsonObject, Principal
    from shared.limits.models import ModelNames
    from shared.limits.places import Candidate
    from shared.storage.plans import Counted


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says about limits."""

    budgets: BudgetRules
    counted: Counted = "total"
    """Which tokens count against limits of tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a call asks room for: candidates in the order to try them, `tokens` for tpm limits."""

    request_id: str
    models: ModelNames
    candidates: Sequence[Candidate]
    tokens: int
    tags: tuple[str, ...] = ()
    is_free: bool
    """Whether the model costs nothing: then no budget refuses (LiteLLM)."""


@dataclass(frozen=True, slots=True)
class ModelLimits:
    """The budgets and rates that hold for the calls of one model only."""

    budgets: tuple[BudgetLine, ...] = ()
    rates: tuple[RateLine, ...] = ()


def model_limits(
    principal: Principal, models: ModelNames, now: Millis, rules: Rules, *, is_free: bool
) -> ModelLimits:
    """Return what limits the calls of a model alone, whoever has set it."""
    budgets = budgets_of(principal, models, now, rules.budgets, is_free=is_free)
    rates = rate_lines(principal, models, (), now, rules.counted)
    return ModelLimits(
        tuple(budget.line for budget in budgets if is_budget_of_model(budget.line)),
        tuple(line for line in rates if is_rate_of_model(line)),
    )


def make_plan(
    principal: Principal,
    ask: Ask,
    lost: Callable[[JsonObject], Lost],
    now: Millis,
    rules: Rules,
) -> Plan:
    """Lay out every limit and budget that applies to the call.

    `lost` says what is booked should nobody settle it, told in which periods it falls.
    """
    budgets = budgets_of(principal, ask.models, now, rules.budgets, is_free=ask.is_free)
    lines = tuple(budget.line for budget in budgets)
    minute = minute_start(now)
    ends = [minute + MINUTE_MS, *(each.until for each in budgets if each.until is not None)]
    return Plan(
        request_id=ask.request_id,
        valid_from=Millis(max([minute, *(line.since for line in lines if line.since <= now)])),
        valid_until=Millis(min(ends)),
        policies=principal.entries,
        budgets=lines,
        rates=rate_lines(principal, ask.models, ask.tags, now, rules.counted),
        leases=lease_lines(principal),
        candidates=tuple(candidate_line(candidate, now) for candidate in ask.candidates),
        tokens=ask.tokens,
        lost=lost(since_of(lines)),
    )
