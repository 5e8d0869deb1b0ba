"""Forget the budget counters of who was deleted, once nothing of theirs can still be under way.

Nothing brings a counter back: a settle that finds none only appends its row. Whoever is made again
under the same id is seeded from Postgres.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.storage.columns import moment
from shared.storage.principals import gone_before

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Millis
    from shared.storage.plans import Bearer
    from shared.storage.stores import Stores

QUIET_MS: Final = 60 * 60 * 1000
"""Longer than any call lasts, and than its row is on the way."""


async def forget_gone(stores: Stores, bearers: Sequence[Bearer], now: Millis) -> list[Bearer]:
    """Delete the counters of those that were deleted an hour ago; return the others."""
    entities = list({(bearer.scope, bearer.entity_id) for bearer in bearers})
    gone = await gone_before(stores.postgres, entities, moment(now - QUIET_MS))
    keys = [each.budget_key for each in bearers if (each.scope, each.entity_id) in gone]
    if keys:
        await stores.redis.execute(["UNLINK", *keys])
    return [each for each in bearers if (each.scope, each.entity_id) not in gone]
