"""Keep a partition of the ledger ready for every month to come, and drop those that were kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.domain import Millis
from shared.limits.periods import parse_duration
from shared.storage.partitions import add_partitions, count_strays, drop_partitions

if TYPE_CHECKING:
    from shared.storage.stores import Stores

MONTHS_AHEAD: Final = 3
SECONDS: Final = 20
_LONGEST_MONTH_MS: Final = 31 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class PartitionsReport:
    """Which partitions were made and dropped; how many rows have none: more than 0 is alarming."""

    made: tuple[str, ...]
    strays: int
    dropped: tuple[str, ...] = ()


async def keep_partitions(stores: Stores, now: Millis, kept: str | None = None) -> PartitionsReport:
    """Make what is missing for this month and the next three; safe to run at any time.

    A month is dropped once all of it is older than `kept`, a duration; without one, never.
    """
    async with stores.postgres.transaction(seconds=SECONDS) as transaction:
        made = await add_partitions(transaction, now, MONTHS_AHEAD)
    dropped: list[str] = []
    if kept is not None:
        async with stores.postgres.transaction(seconds=SECONDS) as transaction:
            dropped = await drop_partitions(transaction, oldest_kept(now, kept))
    return PartitionsReport(tuple(made), await count_strays(stores.postgres), tuple(dropped))


def oldest_kept(now: Millis, kept: str) -> Millis:
    """Return the moment before which rows need not be kept; a month counts as 31 days."""
    duration = parse_duration(kept)
    if duration.unit == "mo":
        return Millis(now - duration.count * _LONGEST_MONTH_MS)
    return Millis(now - duration.milliseconds)
