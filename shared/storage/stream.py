"""The ledger stream in Redis: what waits to be booked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from shared.storage.admission import LEDGER, LEDGER_POSITION
from shared.storage.scripts import script

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json
    from shared.storage.redis import Runs


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the stream."""

    stream_id: str
    fields: Mapping[str, str]

    def raw(self) -> bytes:
        """Return the entry as JSON, to be kept as it was."""
        return orjson.dumps([self.stream_id, self.fields])


async def read(redis: Runs, most: int, after: str | None = None) -> list[Entry]:
    """Return the oldest entries, at most `most`; those behind `after` if it is given."""
    first = "-" if after is None else f"({after}"
    found = await redis.execute(["XRANGE", LEDGER, first, "+", "COUNT", most])
    return [_entry(item) for item in found] if isinstance(found, list) else []


async def ids_after(redis: Runs, position: str, most: int) -> list[str]:
    """Return the ids of the rows behind a position, at most `most`."""
    found = await redis.execute(["XRANGE", LEDGER, f"({position}", "+", "COUNT", most])
    entries = [_entry(item) for item in found] if isinstance(found, list) else []
    return [entry.fields["id"] for entry in entries if "id" in entry.fields]


async def trim(redis: Runs, last: str) -> int:
    """Cut off every entry up to `last`; return how many that were. Safe to repeat."""
    cut = await redis.run(script("trim"), [LEDGER, LEDGER_POSITION], [last])
    return cut if isinstance(cut, int) else 0


async def trimmed_to(redis: Runs) -> str | None:
    """Return the last entry that was cut off; None when none ever was."""
    found = await redis.execute(["GET", LEDGER_POSITION])
    return found if isinstance(found, str) else None


async def length(redis: Runs) -> int:
    """Return how many entries wait."""
    found = await redis.execute(["XLEN", LEDGER])
    return found if isinstance(found, int) else 0


def _entry(item: Json) -> Entry:
    match item:
        case [str(stream_id), [*words]]:
            texts = [str(word) for word in words]
            return Entry(stream_id, dict(zip(texts[::2], texts[1::2], strict=True)))
        case _:
            raise TypeError(f"no stream entry: {type(item).__name__}")
