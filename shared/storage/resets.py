"""Budgets that are due to start afresh."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, cast

from shared.domain import Scope
from shared.storage.columns import millis, moment
from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from shared.domain import Millis
    from shared.storage.postgres import Runs, Transaction

_SQL: Final = load("resets")
_KINDS: Final = {
    Scope.KEY: "keys",
    Scope.USER: "users",
    Scope.TEAM: "teams",
    Scope.BUDGET: "budget_rows",
}


@dataclass(frozen=True, slots=True)
class DueBudget:
    """An entity whose `reset_at` has come."""

    entity_id: str
    duration: str | None
    started_at: Millis
    reset_at: Millis


@dataclass(frozen=True, slots=True)
class NewPeriod:
    """The period an entity is in; `until` is None when it never ends."""

    entity_id: str
    since: Millis
    until: Millis | None


async def due_budgets(
    transaction: Transaction, scope: Scope, now: Millis, most: int
) -> list[DueBudget]:
    """Take up to `most` budgets that are due, but for those another transaction has taken."""
    rows = await transaction.all(_SQL[f"due_{_KINDS[scope]}"], now=moment(now), most=most)
    return [
        DueBudget(
            entity_id=row["entity_id"],
            duration=row["budget_duration"],
            started_at=millis(row["budget_started_at"]),
            reset_at=millis(row["budget_reset_at"]),
        )
        for row in cast("list[_Columns]", rows)
    ]


async def start_periods(
    db: Runs, scope: Scope, periods: Sequence[NewPeriod], end_user_budget_id: str | None = None
) -> int:
    """Start entities' spend afresh where the period is newer than the column's; safe to repeat.

    With a budget row starts all that is linked to it, or has it by default.
    """
    by_default = {"end_user_budget_id": end_user_budget_id} if scope is Scope.BUDGET else {}
    return await db.run(
        _SQL[f"start_periods_of_{_KINDS[scope]}"],
        entity_ids=[period.entity_id for period in periods],
        sinces=[moment(period.since) for period in periods],
        untils=[None if period.until is None else moment(period.until) for period in periods],
        **by_default,
    )


class _Columns(TypedDict):
    entity_id: str
    budget_duration: str | None
    budget_started_at: datetime
    budget_reset_at: datetime
