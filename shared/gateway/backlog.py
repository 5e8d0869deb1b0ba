"""What this process knows of a ledger that nobody takes: Redis has all it may, Postgres is down."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

STANDS_SECONDS: Final = 5.0


@dataclass(slots=True)
class Backlog:
    """A note that a row had to go into a stream that is too long; it is good for five seconds."""

    _until: float = 0.0

    @property
    def stands(self) -> bool:
        """Whether rows pile up."""
        return time.monotonic() < self._until

    def note(self) -> None:
        """Say that they do."""
        self._until = time.monotonic() + STANDS_SECONDS
