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
    end_user: str | None = None
    model: str | None = None
    status: str | None = None
    min_spend: Decimal | None = None
    max_spend: Decimal | None = None


async def page_of_logs(db: Runs, which: PageFilter, size: int, skip: int) -> list[SpendLog]:
    """Return some of the rows, newest first."""
    rows = await db.all(_SQL["page_spend_logs"], **asdict(which), size=size, skip=skip)
    return [SpendLog.model_validate(row) for row in rows]


async def count_logs(db: Runs, which: PageFilter) -> int:
    """Return how many rows there are, at most CAP."""
    row = await db.one(_SQL["count_spend_logs"], **asdict(which), cap=CAP)
    return int(str(row["n"])) if row else 0
