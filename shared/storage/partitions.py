"""The months of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

from shared.storage.columns import millis, moment
from shared.storage.statements import load

if TYPE_CHECKING:
    from datetime import datetime

    from shared.domain import Millis
    from shared.storage.postgres import Runs

_SQL: Final = load("partitions")


async def add_partitions(db: Runs, now: Millis, months_ahead: int) -> list[str]:
    """Make the partitions from this month on that are missing; return their names."""
    rows = await db.all(_SQL["add_partitions"], now=moment(now), months_ahead=months_ahead)
    return [str(row["name"]) for row in rows]


async def drop_partitions(db: Runs, before: Millis) -> list[str]:
    """Drop the partitions of months that were over before a moment; return their names."""
    rows = await db.all(_SQL["drop_partitions"], before=moment(before))
    return [str(row["name"]) for row in rows]


async def count_strays(db: Runs) -> int:
    """Return how many rows are in no month's partition, up to 1000."""
    row = await db.one(_SQL["strays"])
    return 0 if row is None else int(str(row["count"]))


async def kept_since(db: Runs) -> Millis | None:
    """Return since when the ledger is whole: what is older may have been dropped."""
    row = await db.one(_SQL["kept_since"])
    return None if row is None else millis(cast("datetime", row["since"]))
