"""How long answers of each model group take: known for some seconds, then read again.

It is read beside the provider's answer, never before it, and only where requests are hedged.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shared.errors import RedisDown
from shared.observability import log
from shared.routing.hedging import patience
from shared.storage.hedges import latencies
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.redis import Runs

KNOWN_SECONDS: Final = 10.0

Pace = tuple[str, bool]


@dataclass(slots=True)
class Paces:
    """The patience with each group, for whole answers and for first tokens."""

    _known: dict[Pace, tuple[float, float | None]] = field(
        default_factory=dict[Pace, tuple[float, float | None]]
    )

    async def of(
        self, redis: Runs, pace: Pace, latency_keys: Sequence[str], percentile: int
    ) -> float | None:
        """Return after how many seconds an answer is late; None when that is not known."""
        until, seconds = self._known.get(pace, (0.0, None))
        if time.monotonic() < until:
            return seconds
        # Whoever comes meanwhile takes what was known: one reads for all.
        self._known[pace] = (time.monotonic() + KNOWN_SECONDS, seconds)
        try:
            samples = await latencies(redis, latency_keys, to_first_token=pace[1])
        except (RedisDown, RedisRefused) as error:
            log.warning("pace_not_read", group=pace[0], reason=str(error))
            return seconds
        seconds = patience(samples, percentile)
        self._known[pace] = (time.monotonic() + KNOWN_SECONDS, seconds)
        return seconds
