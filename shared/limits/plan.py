"""What one call must find room in, and for how long that stays true. Pure; time is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import Millis
from shared.limits.budgets import BudgetRules, budgets_of, since_of
from shared.limits.places import candidate_line
from shared.limits.rates import lease_lines, rate_lines
from shared.limits.windows import MINUTE_MS, minute_start
from shared.storage.plans import Lost, Plan

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.domain import JsonObject, Principal
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
    """What a call asks room for: candidates in the order to try them, `tokens` for tpm limits.

    `models` are the names its model goes by, the caller's first.
    """

    request_id: str
    models: tuple[str, ...]
    candidates: Sequence[Candidate]
    tokens: int
    is_free: bool
    """Whether the model costs nothing: then no budget refuses (LiteLLM)."""


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
        rates=rate_lines(principal, ask.models, now, rules.counted),
        leases=lease_lines(principal),
        candidates=tuple(candidate_line(candidate, now) for candidate in ask.candidates),
        tokens=ask.tokens,
        lost=lost(since_of(lines)),
    )
