"""How much this process has let pass without Redis: never more than was set, whatever happens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.domain import Millis, Nanodollars

RECONCILED_AFTER_MS: Final = 180_000
"""When Redis is back, it takes the ledger function a minute or two to tell its counters."""


@dataclass(slots=True)
class Exposure:
    """Reservations of running calls, and what ended ones cost until the counters know of it."""

    _reserved: dict[str, Nanodollars] = field(default_factory=dict[str, "Nanodollars"])
    _spent: list[tuple[Millis, Nanodollars]] = field(
        default_factory=list[tuple["Millis", "Nanodollars"]]
    )

    @property
    def total(self) -> int:
        """What is at stake now."""
        return sum(self._reserved.values()) + sum(cost for _, cost in self._spent)

    def take(self, request_id: str, amount: Nanodollars, most: Nanodollars) -> bool:
        """Let a call pass that may cost `amount`; False when the sum would be over `most`."""
        if self.total + amount > most:
            return False
        self._reserved[request_id] = amount
        return True

    def settle(self, request_id: str, cost: Nanodollars, now: Millis) -> None:
        """Put what a call cost in the place of its reservation; others are no concern of ours."""
        if self._reserved.pop(request_id, None) is not None and cost:
            self._spent.append((now, cost))

    def redis_answered(self, now: Millis) -> None:
        """Forget what Redis's counters know by now; while it is down nothing is forgotten."""
        if self._spent:
            self._spent = [each for each in self._spent if now - each[0] < RECONCILED_AFTER_MS]
