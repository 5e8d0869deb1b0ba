"""The ledger as the admin API reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.storage.statements import load
from shared.wire.admin_spend import DaySum, SpendLog

if TYPE_CHECKING:
    from datetime import date, datetime

    from shared.domain import KeyHash
    from shared.storage.postgres import Runs

_SQL = load("spend_logs")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilter:
    """Which rows to read; None asks for nothing, `end_date` is the first moment left out."""

    api_key: KeyHash | None = None
    user_id: str | None = None
    request_id: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None


async def list_spend_logs(db: Runs, which: LogFilter, size: int) -> list[SpendLog]:
    """Return the newest rows, at most `size`."""
    rows = await db.all(
        _SQL["list_spend_logs"],
        api_key=which.api_key,
        user_id=which.user_id,
        request_id=which.request_id,
        start_date=which.start_date,
        end_date=which.end_date,
        size=size,
    )
    return [SpendLog.model_validate(row) for row in rows]


async def sum_spend_by_day(
    db: Runs, first_day: date, last_day: date, which: LogFilter, size: int
) -> list[DaySum]:
    """Return what was spent from one UTC day to another, by key, user and model."""
    rows = await db.all(
        _SQL["sum_spend_by_day"],
        first_day=first_day,
        last_day=last_day,
        api_key=which.api_key,
        user_id=which.user_id,
        size=size,
    )
    return [DaySum.model_validate(row) for row in rows]
