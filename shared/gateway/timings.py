"""How long each step of a request took, in milliseconds, for its log line and its headers."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

PROVIDER = "provider"


@dataclass(slots=True)
class Timings:
    """Milliseconds by step; a step that happens twice adds up."""

    started: float = field(default_factory=time.perf_counter)
    by_step: dict[str, float] = field(default_factory=dict[str, float])

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        """Time what happens inside."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Add seconds to a step."""
        self.by_step[name] = self.by_step.get(name, 0.0) + seconds * 1000

    @property
    def total_ms(self) -> float:
        """Milliseconds since the request came in."""
        return (time.perf_counter() - self.started) * 1000

    @property
    def overhead_ms(self) -> float:
        """What the gateway added to the provider's own time."""
        return self.total_ms - self.by_step.get(PROVIDER, 0.0)
