"""One try of a request: how far it got, and how long what it waits for may take."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import TransportFailed
from shared.wire.addresses import is_forbidden

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey

    from shared.domain import Reach, Timeouts
    from shared.errors import TransportPhase
    from shared.transport.lines import Line


SOON = 1.0
"""Seconds within which a peer says that a connection is closed."""


@dataclass(slots=True)
class Attempt:
    """One try; times are the event loop's, in seconds. `guard` is the timeout that now runs."""

    timeouts: Timeouts
    deadline: float
    guard: asyncio.Timeout
    reach: Reach = "anywhere"
    phase: TransportPhase = "connect"
    line: Line | None = None
    key: ConnectionKey | None = None
    was_kept: bool = False
    first_byte_by: float = 0.0

    @classmethod
    def begin(
        cls, timeouts: Timeouts, now: float, deadline: float, reach: Reach = "anywhere"
    ) -> Attempt:
        """Wait for a connection."""
        guard = asyncio.timeout_at(min(now + timeouts.connect, deadline))
        return cls(timeouts, deadline, guard, reach)

    def check_address(self, address: str) -> None:
        """Raise OSError for an address that this request must not reach."""
        if self.reach != "anywhere" and is_forbidden(
            address, allows_private=self.reach == "private"
        ):
            raise OSError("the name stands for an address that must not be called")

    def connected(self, line: Line, key: ConnectionKey, now: float) -> None:
        """Wait for the head of the answer, on this connection."""
        self.line, self.key, self.was_kept = line, key, line.is_kept
        self.phase = "first_byte"
        self.first_byte_by = now + self.timeouts.first_byte
        self.guard.reschedule(min(self.first_byte_by, self.deadline))

    def await_more(self, now: float) -> asyncio.Timeout:
        """Wait for bytes of the body; the first may take as long as the head could have."""
        by = now + self.timeouts.between_bytes
        if self.phase == "first_byte":
            by = max(by, self.first_byte_by)
        self.guard = asyncio.timeout_at(min(by, self.deadline))
        return self.guard

    def heard(self) -> None:
        """Go on to the next bytes of the body."""
        self.phase = "between_bytes"

    def failure(self) -> TransportFailed:
        """Say what ended the try: the clock or the peer."""
        if not self.guard.expired():
            if self.phase == "connect":
                return TransportFailed("no connection", phase="connect")
            return TransportFailed("the connection broke off", phase="reset")
        phase = "total" if self.guard.when() == self.deadline else self.phase
        return TransportFailed(f"the time ran out: {phase}", phase=phase)

    def was_dead_before_use(self, now: float) -> bool:
        """Whether this try went out on a kept connection that its peer had closed already.

        It heard nothing at all, and soon: who reads a request and dies over it takes longer.
        """
        has_failed_at_once = now < self.first_byte_by - self.timeouts.first_byte + SOON
        return (
            self.line is not None
            and self.was_kept
            and not self.line.has_heard
            and has_failed_at_once
        )


current_attempt: ContextVar[Attempt] = ContextVar("current_attempt")
