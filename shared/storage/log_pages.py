"""The ledger as the admin API pages through it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from shared.storage.statements import load
from shared.wire.admin_spend import SpendLog

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from shared.storage.postgres import Runs
    from shared.wire.admin_reports import LogSort

_SQL: Final = load("spend_logs")

CAP: Final = 10_000
"""Counting stops here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFilter:
    """Which rows to read; None asks for nothing, `end_date` is the first moment left out."""

    start_date: datetime
    end_date: datetime
    api_key: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    request_id: str | None = None
    session_id: str | None = None
    end_user: str | None = None
    model: str | None = None
    model_id: str | None = None
    model_group: str | None = None
    key_alias: str | None = None
    status: str | None = None
    error_code: str | None = None
    is_cache_hit: bool | None = None
    search: str | None = None
    min_spend: Decimal | None = None
    max_spend: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of those rows, in what order: by time, or by `sort_by` among the newest CAP."""

    size: int
    skip: int
    sort_by: LogSort = "startTime"
    is_ascending: bool = False


async def page_of_logs(db: Runs, which: PageFilter, part: Part) -> list[SpendLog]:
    """Return some of the rows."""
    place = {"size": part.size, "skip": part.skip}
    if part.sort_by == "startTime":
        order: dict[str, object] = {"is_oldest_first": part.is_ascending}
        rows = await db.all(_SQL["page_spend_logs"], **asdict(which), **place, **order)
    else:
        direction = 1 if part.is_ascending else -1
        order = {"sort_by": part.sort_by, "direction": direction, "cap": CAP}
        rows = await db.all(_SQL["sorted_spend_logs"], **asdict(which), **place, **order)
    return [SpendLog.model_validate(row) for row in rows]


async def count_logs(db: Runs, which: PageFilter) -> int:
    """Return how many rows there are, at most CAP."""
    row = await db.one(_SQL["count_spend_logs"], **asdict(which), cap=CAP)
    return int(str(row["n"])) if row else 0
