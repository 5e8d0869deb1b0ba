"""The months of the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.storage.columns import moment
from shared.storage.statements import load

if TYPE_CHECKING:
    from shared.domain import Millis
    from shared.storage.postgres import Runs

_SQL: Final = load("partitions")


async def add_partitions(db: Runs, now: Millis, months_ahead: int) -> list[str]:
    """Make the partitions from this month on that are missing; return their names."""
    rows = await db.all(_SQL["add_partitions"], now=moment(now), months_ahead=months_ahead)
    return [str(row["name"]) for row in rows]


async def count_strays(db: Runs) -> int:
    """Return how many rows are in no month's partition, up to 1000."""
    row = await db.one(_SQL["strays"])
    return 0 if row is None else int(str(row["count"]))
