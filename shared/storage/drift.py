"""What budget counters in Redis lack of what the ledger says, and how it is mended."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from shared.domain import Nanodollars, Scope
from shared.storage.admission import (
    LEDGER,
    LEDGER_POSITION,
    MAX_ROWS_TO_SEED_FROM,
    MOST_IN_A_COUNTER,
    SHARD,
    CounterSeed,
)
from shared.storage.plans import Bearer
from shared.storage.scripts import script
from shared.storage.words import words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.redis import Runs

_CURSOR: Final = f"ledger:{SHARD}:reconciled"
_COUNTER: Final = re.compile(r"budget:([a-z_]+):([^:]*):([^:]*)")
_SCOPES: Final = frozenset(scope.value for scope in Scope)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What Postgres said at one moment: how far it had booked, and which rows beyond that too."""

    position: str
    booked_beyond: tuple[str, ...] = ()


BEGIN: Final = "0"
"""The place among the keys where a round begins and ends."""


async def place_reached(redis: Runs) -> str:
    """Return the place among the keys where the last run stopped."""
    found = await redis.execute(["GET", _CURSOR])
    return str(found) if found else BEGIN


async def note_place(redis: Runs, place: str) -> None:
    """Let the next run go on from there."""
    await redis.execute(["SET", _CURSOR, place])


async def next_counters(redis: Runs, place: str, most: int) -> tuple[list[Bearer], str]:
    """Return the counters among the next `most` keys, whatever they are, and the place after."""
    reply = await redis.execute(["SCAN", place, "MATCH", "budget:*", "COUNT", most])
    match reply:
        case [cursor, [*keys]]:
            bearers = (_bearer(str(key)) for key in keys)
            return [each for each in bearers if each is not None], str(cursor)
        case _:
            raise TypeError("SCAN answered no cursor and keys")


async def lacking(
    redis: Runs,
    snapshot: Snapshot,
    known: Sequence[CounterSeed],
    mending: Sequence[Nanodollars | None] = (),
) -> list[Nanodollars | None] | None:
    """Return what each counter lacks, None where there is no counter; add it where `mending` says.

    A counter is mended only if it still lacks just that. None instead of a list when the snapshot
    cannot be compared: too old, or too many rows are on their way.
    """
    args: list[str | int] = [snapshot.position, MAX_ROWS_TO_SEED_FROM]
    args += [f"reconcile {secrets.token_hex(8)}"]
    args += [len(snapshot.booked_beyond), *snapshot.booked_beyond]
    for index, counter in enumerate(known):
        mend = mending[index] if mending else None
        args += [counter.since, min(counter.spent, MOST_IN_A_COUNTER)]
        args += ["" if mend is None else mend]
    keys = [LEDGER, LEDGER_POSITION, *(counter.key for counter in known)]
    reply = words(await redis.run(script("reconcile"), keys, args))
    if reply[0] != "OK":
        return None
    return [Nanodollars(int(word)) if word else None for word in reply[1:]]


def _bearer(key: str) -> Bearer | None:
    """Read whose counter it is off its name; None when it is nobody's we know."""
    parts = _COUNTER.fullmatch(key)
    if parts is None or parts[1] not in _SCOPES:
        return None
    return Bearer(Scope(parts[1]), unquote(parts[2]), unquote(parts[3]))
