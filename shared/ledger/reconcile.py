"""Compare budget counters with the ledger; report what they lack, and mend it.

A counter must be the column of its period plus the rows that are on their way there. What makes it
another number is repaired here: a row that was booked past Redis, a settle that corrected a lost
request in Postgres alone, a spend that was changed by hand in the table, a fail-over of Redis.

Nothing stands still meanwhile, so one look proves nothing: what a counter seems to lack is mended
only when a second look, at a newer snapshot, finds that it lacks exactly that again.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.domain import Millis, Nanodollars
from shared.ledger.forget import forget_gone
from shared.ledger.sweep import release_booked
from shared.observability import log
from shared.storage import stream
from shared.storage.admission import MAX_ROWS_TO_SEED_FROM, CounterSeed
from shared.storage.drift import (
    BEGIN,
    Snapshot,
    lacking,
    next_counters,
    note_place,
    place_reached,
)
from shared.storage.seeds import budget_seeds
from shared.storage.spend_rows import booked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import Bearer
    from shared.storage.seeds import Seeds
    from shared.storage.stores import Stores

AT_ONCE: Final = 500
LONGEST_SECONDS: Final = 15.0
"""What a run may take of the function's minute; the next one goes on where it stopped."""
_NANODOLLARS_PER_DOLLAR: Final = 1_000_000_000

_Drift = dict["Bearer", Nanodollars]


@dataclass(frozen=True, slots=True)
class ReconcileReport:
    """How many counters were mended, and by how many dollars in all, whatever the sign."""

    mended: int = 0
    drift: float = 0.0


async def reconcile(stores: Stores, now: Millis) -> ReconcileReport:
    """Go on through the counters where the last run stopped; safe to run several at once."""
    mended: list[Nanodollars] = []
    until, place, is_over = (
        time.monotonic() + LONGEST_SECONDS,
        await place_reached(stores.redis),
        False,
    )
    while not is_over:
        bearers, place = await next_counters(stores.redis, place, AT_ONCE)
        if bearers:
            known = await forget_gone(stores, bearers, now)
            mended += await _reconcile(stores, known) if known else []
        is_over = place == BEGIN or time.monotonic() >= until
    await note_place(stores.redis, place)
    return ReconcileReport(len(mended), sum(map(abs, mended)) / _NANODOLLARS_PER_DOLLAR)


async def _reconcile(stores: Stores, bearers: Sequence[Bearer]) -> list[Nanodollars]:
    """Mend these counters; return what each of those that were mended had lacked."""
    seeming = await _compare(stores, bearers)
    if not seeming:
        return []
    # Their rows are in Postgres; what they spent must be in the counters before we count on it.
    await release_booked(stores)
    seen = await _compare(stores, list(seeming), looks_beyond=True)
    if not seen:
        return []
    again = await _compare(stores, list(seen), looks_beyond=True, mends=seen)
    mended = {bearer: lack for bearer, lack in again.items() if seen[bearer] == lack}
    for bearer, lack in mended.items():
        log.error(
            "drift_mended",
            scope=bearer.scope.value,
            entity_id=bearer.entity_id,
            window=bearer.window,
            nanodollars=lack,
        )
    return list(mended.values())


async def _compare(
    stores: Stores,
    bearers: Sequence[Bearer],
    *,
    looks_beyond: bool = False,
    mends: _Drift | None = None,
) -> _Drift:
    """Return what these counters lack now, without those that lack nothing."""
    seeds = await budget_seeds(stores.postgres, bearers)
    known = {bearer: seed for bearer in bearers if (seed := _known(bearer, seeds)) is not None}
    if not known:
        return {}
    beyond = await _booked_beyond(stores, seeds.position) if looks_beyond else ()
    found = await lacking(
        stores.redis,
        Snapshot(seeds.position, beyond),
        list(known.values()),
        [(mends or {}).get(bearer) for bearer in known],
    )
    lacks = zip(known, found or (), strict=False)
    return {bearer: lack for bearer, lack in lacks if lack}


def _known(bearer: Bearer, seeds: Seeds) -> CounterSeed | None:
    """Return what Postgres knows; None for somebody who is gone."""
    known = seeds.by_bearer.get(bearer)
    if known is not None:
        return CounterSeed(bearer.budget_key, known.since, Nanodollars(max(known.spend, 0)))
    if bearer.is_own:
        return None
    return CounterSeed(bearer.budget_key, Millis(0), Nanodollars(0))


async def _booked_beyond(stores: Stores, position: str) -> tuple[str, ...]:
    """Find rows that are in Postgres and in the stream, where they would count again."""
    ids = await stream.ids_after(stores.redis, position, MAX_ROWS_TO_SEED_FROM)
    return tuple(await booked(stores.postgres, ids)) if ids else ()
