"""Book what waits in the ledger stream: delivered at least once, booked exactly once.

A batch is one transaction: its rows, all that sums them up and the position in the stream. Only
then is it cut off the stream. Whoever dies in between leaves entries that are known already.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.domain import Nanodollars
from shared.observability import log
from shared.storage import stream
from shared.storage.admission import SHARD
from shared.storage.failures import StatementFailed
from shared.storage.spend_rows import (
    Booked,
    NoSpendRow,
    Parked,
    SpendRow,
    book,
    count_parked,
    move_position,
    park,
    take_turn,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Millis
    from shared.storage.postgres import Transaction
    from shared.storage.stores import Stores
    from shared.storage.stream import Entry

BATCH: Final = 10_000
PAGE: Final = 1_000
MOST_BATCHES: Final = 50
SECONDS: Final = 20

_NO_ROW: Final = "22P02"
# Data exceptions, broken constraints, texts too long for an index: the row's fault, not ours.
_FAULTS_OF_A_ROW: Final = frozenset({"22", "23", "54"})


@dataclass(frozen=True, slots=True)
class DrainReport:
    """What was booked and parked; how many entries still wait, and how many stand parked in all."""

    read: int
    booked: int
    spend: Nanodollars
    parked: int
    waiting: int
    standing: int = 0


@dataclass(frozen=True, slots=True)
class _Batch:
    read: int
    booked: Booked
    parked: int


async def drain(stores: Stores, now: Millis) -> DrainReport:  # noqa: ARG001 - the same at any time
    """Book the stream to its end; safe to run twice, late, or several at once."""
    batches: list[_Batch] = []
    reader = _Reader(stores)
    try:
        for _ in range(MOST_BATCHES):
            batch = await _drain_batch(stores, reader)
            if batch is None:
                break
            batches.append(batch)
            if batch.read < BATCH:
                break
    finally:
        reader.stop()
    return DrainReport(
        read=sum(batch.read for batch in batches),
        booked=sum(batch.booked.count for batch in batches),
        spend=Nanodollars(sum(batch.booked.spend for batch in batches)),
        parked=sum(batch.parked for batch in batches),
        waiting=await stream.length(stores.redis),
        standing=await count_parked(stores.postgres),
    )


class _Reader:
    """Reads a batch while the one before is booked: each takes about as long.

    Should another drain have its turn in between, these entries are known already.
    """

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._ahead: asyncio.Task[list[Entry]] | None = None

    async def read(self) -> list[Entry]:
        """Return the next entries, and begin to read those behind them."""
        ahead, self._ahead = self._ahead, None
        entries = await (ahead or self._batch(None))
        if len(entries) == BATCH:
            self._ahead = asyncio.create_task(self._batch(entries[-1].stream_id))
            self._ahead.add_done_callback(_look)
        return entries

    async def _batch(self, after: str | None) -> list[Entry]:
        """Read page by page: a reply of megabytes would not be here in time."""
        entries: list[Entry] = []
        while len(entries) < BATCH:
            most = min(PAGE, BATCH - len(entries))
            page = await stream.read(self._stores.redis, most, after)
            entries += page
            if len(page) < most:
                break
            after = page[-1].stream_id
        return entries

    def stop(self) -> None:
        """Leave what nobody wants any more."""
        if self._ahead is not None:
            self._ahead.cancel()


def _look(task: asyncio.Task[list[Entry]]) -> None:
    """Take note of a failure: whoever stops does not ask for it."""
    if not task.cancelled():
        task.exception()


async def _drain_batch(stores: Stores, reader: _Reader) -> _Batch | None:
    """Book the oldest entries; None when another drain is at it."""
    async with stores.postgres.transaction(seconds=SECONDS) as transaction:
        if not await take_turn(transaction, SHARD):
            return None
        await _go_on_where_redis_is(stores, transaction)
        entries = await reader.read()
        if not entries:
            return _Batch(0, _NOTHING, 0)
        booked, parked = await _book_entries(transaction, entries)
        for entry in parked:
            await park(transaction, SHARD, entry)
        last = entries[-1].stream_id
        await move_position(transaction, SHARD, last)
    await stream.trim(stores.redis, last)
    return _Batch(len(entries), booked, len(parked))


async def _go_on_where_redis_is(stores: Stores, transaction: Transaction) -> None:
    """Accept that Postgres has lost what it had booked: it was restored, or failed over.

    What was cut off the stream was in Postgres before, so its position is never the older one else.
    As long as it is, no budget can be made of what Postgres knows.
    """
    trimmed = await stream.trimmed_to(stores.redis)
    if trimmed is not None and await move_position(transaction, SHARD, trimmed):
        log.error("ledger_rows_lost", up_to=trimmed)


_NOTHING: Final = Booked(0, Nanodollars(0))


async def _book_entries(
    transaction: Transaction, entries: Sequence[Entry]
) -> tuple[Booked, list[Parked]]:
    parked: list[Parked] = []
    rows: list[tuple[Entry, SpendRow]] = []
    for entry in entries:
        try:
            rows.append((entry, SpendRow.parse(entry.fields)))
        except NoSpendRow:
            parked.append(Parked(entry.stream_id, entry.raw(), _NO_ROW, is_booked=False))
    booked, refused = await _book(transaction, rows) if rows else (_NOTHING, [])
    return booked, parked + refused


async def _book(
    transaction: Transaction, rows: Sequence[tuple[Entry, SpendRow]]
) -> tuple[Booked, list[Parked]]:
    """Book rows; halve them where Postgres refuses, until the culprits stand alone."""
    try:
        async with transaction.savepoint():
            return await book(transaction, [row for _, row in rows]), []
    except StatementFailed as refusal:
        if refusal.sqlstate[:2] not in _FAULTS_OF_A_ROW:
            raise
        if len(rows) == 1:
            return await _book_bare(transaction, *rows[0], refusal.sqlstate)
    middle = len(rows) // 2
    first, refused_first = await _book(transaction, rows[:middle])
    second, refused_second = await _book(transaction, rows[middle:])
    return first + second, refused_first + refused_second


async def _book_bare(
    transaction: Transaction, entry: Entry, row: SpendRow, sqlstate: str
) -> tuple[Booked, list[Parked]]:
    """Book who spent how much, without the texts; park the entry as it was."""
    try:
        async with transaction.savepoint():
            booked, is_booked = await book(transaction, [row.bare()]), True
    except StatementFailed:
        booked, is_booked = _NOTHING, False
    return booked, [Parked(entry.stream_id, entry.raw(), sqlstate, is_booked=is_booked)]
