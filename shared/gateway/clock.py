"""The gateway's time: this machine's clock, corrected to Redis's, which is the one that counts."""

from __future__ import annotations

import time
from dataclasses import dataclass

from shared.domain import Millis


def system_now() -> Millis:
    """Return this machine's time."""
    return Millis(time.time_ns() // 1_000_000)


@dataclass(slots=True)
class Clock:
    """Unix milliseconds, as near to Redis's clock as its last correction left us."""

    _offset_ms: int = 0

    def now(self) -> Millis:
        """Return the corrected time."""
        return Millis(system_now() + self._offset_ms)

    def correct(self, redis_now: Millis) -> None:
        """Learn what Redis's clock says."""
        self._offset_ms = redis_now - system_now()
