"""Keep a partition of the ledger ready for every month to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.storage.partitions import add_partitions, count_strays

if TYPE_CHECKING:
    from shared.domain import Millis
    from shared.storage.stores import Stores

MONTHS_AHEAD: Final = 3
SECONDS: Final = 20


@dataclass(frozen=True, slots=True)
class PartitionsReport:
    """Which partitions were made, and how many rows have none: more than 0 raises an alarm."""

    made: tuple[str, ...]
    strays: int


async def keep_partitions(stores: Stores, now: Millis) -> PartitionsReport:
    """Make what is missing for this month and the next three; safe to run at any time."""
    async with stores.postgres.transaction(seconds=SECONDS) as transaction:
        made = await add_partitions(transaction, now, MONTHS_AHEAD)
    return PartitionsReport(tuple(made), await count_strays(stores.postgres))
