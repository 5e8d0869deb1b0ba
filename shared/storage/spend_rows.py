"""The ledger in Postgres: book rows exactly once, with all that sums them up."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, TypedDict, cast
from uuid import UUID

import orjson

from shared.domain import Nanodollars
from shared.storage.columns import nanodollars
from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from decimal import Decimal

    from shared.domain import Json, JsonObject
    from shared.storage.postgres import Runs

_SQL: Final = load("spend_rows")
_LONGEST_TEXT: Final = 255

JOURNAL: Final = "SPEND_JOURNAL"
"""The event name of a log line that holds a whole ledger row which no store would take."""


class NoSpendRow(ValueError):  # noqa: N818 - reads as a sentence
    """What came is no row of the ledger."""


@dataclass(frozen=True, slots=True)
class SpendRow:
    """One row of the ledger, as the stream carries it.

    `id` is a UUIDv7 and says when the call began; `details` are the other columns by name. In the
    correction of a lost request all numbers are differences, and `corrects` is that request's id.
    """

    id: str
    spend: Nanodollars
    prompt_tokens: int
    completion_tokens: int
    details: JsonObject
    corrects: str | None = None

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> SpendRow:
        """Read the fields of a stream entry; raise NoSpendRow when they make no row."""
        try:
            details: Json = orjson.loads(fields["row"])
            id_, spend = str(UUID(fields["id"])), Nanodollars(int(fields["spend"]))
            prompt, completion = int(fields["prompt_tokens"]), int(fields["completion_tokens"])
        except (KeyError, ValueError) as error:
            raise NoSpendRow(f"{type(error).__name__} in a ledger entry") from error
        if not isinstance(details, dict):
            raise NoSpendRow("the row of a ledger entry is no object")
        return cls(id_, spend, prompt, completion, details, fields.get("corrects"))

    def bare(self) -> SpendRow:
        """Return what is left of a row whose texts Postgres refuses: who bears how much."""
        details: JsonObject = {
            name: value.replace("\0", "")[:_LONGEST_TEXT] if isinstance(value, str) else value
            for name, value in self.details.items()
            if name not in ("metadata", "request_tags")
        }
        metadata = self.details.get("metadata")
        status = metadata.get("status") if isinstance(metadata, dict) else None
        details["metadata"] = {"status": status if status in _STATUSES else None, "bare": True}
        return replace(self, details=details)


_STATUSES: Final = ("success", "failure", "lost")


@dataclass(frozen=True, slots=True)
class Booked:
    """How many rows were new, and what they add up to."""

    count: int
    spend: Nanodollars

    def __add__(self, other: Booked) -> Booked:
        """Take two together."""
        return Booked(self.count + other.count, Nanodollars(self.spend + other.spend))


async def book(db: Runs, rows: Sequence[SpendRow]) -> Booked:
    """Book the rows that are not booked yet and add them to columns and rollups; safe to repeat.

    Raise StatementFailed when Postgres refuses any of them; then none is booked.
    """
    records = orjson.dumps([_record(row) for row in rows]).decode()
    found = await db.one(_SQL["book"], rows=records)
    sums = cast("_Sums", found)
    return Booked(sums["count"], nanodollars(sums["spend"]))


async def booked(db: Runs, ids: Sequence[str]) -> dict[str, Nanodollars]:
    """Return what those rows cost that are booked, by id."""
    known: dict[UUID, str] = {}
    for id_ in ids:
        with suppress(ValueError):
            known[UUID(id_)] = id_
    rows = await db.all(_SQL["booked"], ids=list(known))
    return {known[row["id"]]: nanodollars(row["spend"]) for row in cast("list[_Cost]", rows)}


async def book_once(db: Runs, row: SpendRow, correction_id: str) -> Booked:
    """Book one row; of a request whose row says another cost, its one correction.

    So it is with a lost request: the sweeper booked what it had reserved.
    """
    written = await book(db, [row])
    if written.count:
        return written
    standing = (await booked(db, [row.id])).get(row.id, row.spend)
    difference = Nanodollars(row.spend - standing)
    if not difference:
        return written
    return await book(db, [SpendRow(correction_id, difference, 0, 0, row.details, corrects=row.id)])


async def take_turn(db: Runs, shard: int) -> bool:
    """Have the shard's drain to oneself until the transaction ends; False when another has it."""
    found = await db.one(_SQL["take_turn"], shard=shard)
    return found is not None and found["has_turn"] is True


async def move_position(db: Runs, shard: int, stream_id: str) -> bool:
    """Note that every entry up to this one is booked or parked; False when that was known."""
    return await db.one(_SQL["move_position"], shard=shard, stream_id=stream_id) is not None


async def position(db: Runs, shard: int) -> str:
    """Return the last entry that is booked; "0-0" when none ever was."""
    found = await db.one(_SQL["position"], shard=shard)
    return "0-0" if found is None else str(found["stream_id"])


@dataclass(frozen=True, slots=True)
class Parked:
    """A stream entry that no row could be made of, and why; `is_booked` if a bare row was."""

    stream_id: str
    entry: bytes
    sqlstate: str
    is_booked: bool


async def park(db: Runs, shard: int, parked: Parked) -> None:
    """Keep an entry for somebody to look at."""
    await db.run(_SQL["park"], shard=shard, **asdict(parked))


async def count_parked(db: Runs) -> int:
    """Return how many entries wait for somebody to look at them, up to 1000."""
    row = await db.one(_SQL["count_parked"])
    return 0 if row is None else int(str(row["count"]))


class _Sums(TypedDict):
    count: int
    spend: Decimal


class _Cost(TypedDict):
    id: UUID
    spend: Decimal


def _record(row: SpendRow) -> JsonObject:
    metadata = row.details.get("metadata")
    facts: dict[str, Json] = dict(metadata) if isinstance(metadata, dict) else {}
    if row.corrects is not None:
        facts["corrects"] = row.corrects
    return {
        **row.details,
        "metadata": facts,
        "id": row.id,
        # As text: what is over 64 bits is for Postgres to refuse.
        "nanodollars": str(row.spend),
        "prompt_tokens": str(row.prompt_tokens),
        "completion_tokens": str(row.completion_tokens),
    }
