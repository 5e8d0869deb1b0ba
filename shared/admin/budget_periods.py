"""Begin the period of a budget row that is due, before anything is linked to it or it is changed.

Else a new duration, or another budget, would bring back for what is linked the period that has
just ended: counters in Redis are in the new one already, though nothing of it may be booked yet.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from shared.domain import Millis, Scope
from shared.errors import BadRequest
from shared.limits.periods import period
from shared.storage.admin_budgets import find_budget
from shared.storage.columns import millis
from shared.storage.resets import NewPeriod, start_periods

if TYPE_CHECKING:
    from shared.admin.desk import Desk
    from shared.storage.postgres import Transaction
    from shared.wire.admin_budgets import BudgetInfo


async def begin_due_period(
    transaction: Transaction, desk: Desk, budget_id: str | None, now: Millis
) -> None:
    """Do what the job would do to this budget and all that is linked to it, if it is due."""
    budget = None if budget_id is None else await find_budget(transaction, budget_id)
    due = None if budget is None else _due(budget, desk, now)
    if due is not None:
        default = desk.live.current.litellm.max_end_user_budget_id
        await start_periods(transaction, Scope.BUDGET, [due], default)


def _due(budget: BudgetInfo, desk: Desk, now: Millis) -> NewPeriod | None:
    reset_at = None if budget.budget_reset_at is None else millis(budget.budget_reset_at)
    if reset_at is None or now < reset_at:
        return None
    where = desk.calendar
    # One that was written past the API may say what is no duration; it never starts afresh.
    with suppress(BadRequest):
        its = period(
            budget.budget_duration,
            Millis(0),
            reset_at,
            now,
            timezone=where.timezone,
            reset_time=where.reset_time,
        )
        return NewPeriod(budget.budget_id, its.since, its.until)
    return None
