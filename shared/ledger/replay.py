"""Book the ledger rows that no store would take: `SPEND_JOURNAL` lines of the log.

A row has its call's id, so a line that is replayed twice, or was booked after all, changes nothing.
A request that the sweeper has meanwhile booked as lost gets its one correction. Counters follow by
reconciliation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

import orjson

from shared.spend.ids import correction_id, millis_of
from shared.storage.failures import StatementFailed
from shared.storage.partitions import kept_since
from shared.storage.spend_rows import JOURNAL, NoSpendRow, SpendRow, book_once

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from shared.domain import Millis
    from shared.storage.stores import Stores

_MARK: Final = JOURNAL.encode()


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """How many lines were rows and what became of them; `refused` say why, by their line."""

    read: int
    booked: int
    known: int
    refused: tuple[str, ...]


async def replay(stores: Stores, lines: Iterable[bytes]) -> ReplayReport:
    """Book every journal line among these; other lines are passed over. Safe to repeat."""
    oldest = await kept_since(stores.postgres)
    read = booked = 0
    refused: list[str] = []
    for number, line in _journal(lines):
        read += 1
        try:
            row = _row(line)
            _must_be_kept(row, oldest)
            booked += (await book_once(stores.postgres, row, correction_id(row.id))).count
        except NoSpendRow as error:
            refused.append(f"line {number}: {error}")
        except StatementFailed as error:
            refused.append(f"line {number}: Postgres refuses it ({error})")
    return ReplayReport(read, booked, read - booked - len(refused), tuple(refused))


def _journal(lines: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    return ((number, line) for number, line in enumerate(lines, 1) if _MARK in line)


def _row(line: bytes) -> SpendRow:
    """Read a line as our log wrote it, or with what a log tool puts before it or around it."""
    fields = _object(line[line.find(b"{") :])
    inner = fields.get("message")
    if isinstance(inner, str) and JOURNAL in inner and inner != JOURNAL:
        fields = _object(inner[inner.find("{") :].encode())
    if fields.get("message") != JOURNAL:
        raise NoSpendRow(f"it speaks of {JOURNAL} but is none")
    return SpendRow.parse({name: str(value) for name, value in fields.items()})


def _object(text: bytes) -> dict[str, object]:
    try:
        found: object = orjson.loads(text)
    except ValueError as error:
        raise NoSpendRow("it is no whole JSON") from error
    if not isinstance(found, dict):
        raise NoSpendRow("it is no JSON object")
    return cast("dict[str, object]", found)


def _must_be_kept(row: SpendRow, oldest: Millis | None) -> None:
    if oldest is not None and millis_of(row.id) < oldest:
        raise NoSpendRow("its month was dropped, so nobody knows whether it was booked")
