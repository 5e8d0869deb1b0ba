"""A circuit breaker that counts time, not errors: nobody waits for a store that is known dead.

A store that refuses at once costs its callers nothing and is asked every time. One that is silent
is left alone as soon as its callers have waited `patience` seconds without one answer between
them; then one call in every `rest` seconds tries whether it is back.
"""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """What one process knows of a store's silence; times in seconds."""

    patience: float
    rest: float
    _waited: float = 0.0
    _rests_until: float = 0.0

    def lets_through(self) -> bool:
        """Say whether to ask the store now; of those who come after a rest, one may."""
        if self._waited < self.patience:
            return True
        now = time.monotonic()
        if now < self._rests_until:
            return False
        self._rests_until = now + self.rest
        return True

    def answered(self) -> None:
        """Note that the store lives."""
        self._waited = 0.0

    def waited_in_vain(self, seconds: float) -> None:
        """Note how long a caller has waited for nothing."""
        self._waited += seconds
        if self._waited >= self.patience:
            self._rests_until = time.monotonic() + self.rest
