"""Start due budgets afresh in their columns, for entities nobody calls.

Enforcement does not wait for this: whoever calls is in the new period from its first millisecond,
by the same pure rule (limits/periods.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.domain import Scope
from shared.errors import BadRequest
from shared.limits.periods import Period, period
from shared.storage.resets import NewPeriod, due_budgets, start_periods

if TYPE_CHECKING:
    from shared.domain import Millis
    from shared.storage.resets import DueBudget
    from shared.storage.stores import Stores

CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class ResetReport:
    """How many budgets started afresh."""

    keys: int
    users: int
    teams: int
    budget_rows: int = 0


async def reset(
    stores: Stores,
    now: Millis,
    *,
    timezone: str = "UTC",
    reset_time: str = "00:00",
    end_user_budget_id: str | None = None,
) -> ResetReport:
    """Move every due budget to the period it is in; safe to run twice, late, or several at once."""

    def new_period(due: DueBudget) -> NewPeriod:
        found = _period(due, now, timezone, reset_time)
        return NewPeriod(due.entity_id, found.since, found.until)

    async def reset_all(scope: Scope) -> int:
        total = 0
        while True:
            async with stores.postgres.transaction() as transaction:
                due = await due_budgets(transaction, scope, now, CHUNK)
                if due:
                    begun = [new_period(each) for each in due]
                    await start_periods(transaction, scope, begun, end_user_budget_id)
            total += len(due)
            if len(due) < CHUNK:
                return total

    return ResetReport(
        keys=await reset_all(Scope.KEY),
        users=await reset_all(Scope.USER),
        teams=await reset_all(Scope.TEAM),
        budget_rows=await reset_all(Scope.BUDGET),
    )


def _period(due: DueBudget, now: Millis, timezone: str, reset_time: str) -> Period:
    try:
        return period(
            due.duration,
            due.started_at,
            due.reset_at,
            now,
            timezone=timezone,
            reset_time=reset_time,
        )
    except BadRequest:
        # Written past the API. A budget that never resets is the safe reading of it.
        return Period(due.started_at, None)
