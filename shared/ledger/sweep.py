"""End the holds of functions that died: their reservation becomes what they spent.

Postgres is asked first: a row that was booked past Redis says what the call really cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.observability import log
from shared.spend.ids import correction_id
from shared.storage import holds
from shared.storage.admission import settle
from shared.storage.plans import Settlement
from shared.storage.redis import RedisRefused
from shared.storage.spend_rows import booked

if TYPE_CHECKING:
    from shared.domain import Millis, Nanodollars
    from shared.storage.admission import SettleMode
    from shared.storage.holds import DeadHold
    from shared.storage.stores import Stores

BATCH = 200
MOST_BATCHES = 50
LOOKED_AT = 5_000


@dataclass(frozen=True, slots=True)
class SweepReport:
    """How many holds ended as lost, how many had their row in Postgres; how many still hold."""

    lost: int = 0
    booked: int = 0
    holds: int = 0


async def sweep(stores: Stores, now: Millis) -> SweepReport:  # noqa: ARG001 - Redis's clock decides
    """End every hold past its deadline; safe to run twice, late, or several at once."""
    lost = found = 0
    for _ in range(MOST_BATCHES):
        dead = await holds.due(stores.redis, BATCH)
        if not dead:
            break
        rows = await booked(stores.postgres, [hold.held.request_id for hold in dead])
        ended = 0
        for hold in dead:
            spend = rows.get(hold.held.request_id)
            if await _end(stores, hold, spend):
                ended += 1
                lost += spend is None
                found += spend is not None
        if not ended:
            break
    found += await release_booked(stores)
    return SweepReport(lost=lost, booked=found, holds=await holds.count(stores.redis))


async def release_booked(stores: Stores) -> int:
    """End holds whose row is in Postgres, whatever their deadline: their calls are over.

    Return how many there were. Until then their spend is in no counter, and room is held for it.
    """
    ids = await holds.oldest(stores.redis, LOOKED_AT)
    rows = await booked(stores.postgres, ids) if ids else {}
    held = await holds.these(stores.redis, list(rows))
    ended = [await _end(stores, hold, rows[hold.held.request_id]) for hold in held]
    return sum(ended)


async def _end(stores: Stores, hold: DeadHold, spend: Nanodollars | None) -> bool:
    mode: SettleMode = "lost" if spend is None else "booked"
    settlement = Settlement(
        cost=hold.reserved if spend is None else spend,
        prompt_tokens=0,
        completion_tokens=0,
        row=hold.row,
        correction_id=correction_id(hold.held.request_id),
        outcome=None,
    )
    try:
        return await settle(stores.redis, hold.held, settlement, mode=mode)
    except RedisRefused as error:
        # One that cannot be ended must not keep the younger ones from it.
        log.error("hold_refused", request_id=hold.held.request_id, reason=str(error))
        return False
