"""The connections behind the client: which may be used again, and what is known of each.

aiohttp keeps the pool. Added here: a connection whose peer went away while this process was
frozen is noticed before it is used, one that spoke without being asked is dropped, and after a
kept connection has failed its idle siblings are not trusted either.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import aiohttp
from aiohttp.client_proto import ResponseHandler

from shared.errors import TransportFailed

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp.client_reqrep import ClientRequest, ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from shared.domain import Timeouts

MAX_CONNECTIONS = 1000
KEEPALIVE_SECONDS = 90
TCP_USER_TIMEOUT_MS = 3_000
# The reader of an idle socket runs one tick after it was found readable, and TLS closes its
# transport two ticks later.
TICKS_TO_SEE_A_CLOSED_PEER = 3


class Line(ResponseHandler):
    """One connection, with what the pool must know of it."""

    is_resting = False
    is_kept = False
    has_heard = False
    rested_at = 0.0

    def take(self) -> None:
        """Begin a request."""
        self.is_resting = False
        self.has_heard = False

    def rest(self) -> None:
        """End a request; the next one on this line will be on a kept connection."""
        self.is_resting = True
        self.is_kept = True
        self.rested_at = self._loop.time()

    def data_received(self, data: bytes) -> None:
        """Take bytes of an answer; drop the line when nobody has asked."""
        if self.is_resting:
            self.abort()
            return
        self.has_heard = True
        super().data_received(data)

    def close(self) -> None:
        """Close at once: a given-up request must not linger to flush its body."""
        self.abort()


@dataclass(slots=True)
class Attempt:
    """One try of a request, as far as it got."""

    timeouts: Timeouts
    deadline: float
    guard: asyncio.Timeout
    phase: Literal["connect", "first_byte"] = "connect"
    line: Line | None = None
    key: ConnectionKey | None = None
    was_kept: bool = False
    first_byte_by: float = 0.0

    def connected(self, line: Line, key: ConnectionKey, now: float) -> None:
        """Go on to wait for the answer's head."""
        line.take()
        self.line, self.key, self.was_kept = line, key, line.is_kept
        self.phase = "first_byte"
        self.first_byte_by = min(now + self.timeouts.first_byte, self.deadline)
        self.guard.reschedule(self.first_byte_by)

    def failure(self) -> TransportFailed:
        """Say how far the try got and what ended it: the clock or the peer."""
        if not self.guard.expired():
            if self.phase == "connect":
                return TransportFailed("no connection", phase="connect")
            return TransportFailed("the connection broke before an answer", phase="reset")
        if self.guard.when() == self.deadline:
            return TransportFailed("no answer in the time allowed", phase="total")
        return TransportFailed(f"no answer in time: {self.phase}", phase=self.phase)

    @property
    def was_dead_before_use(self) -> bool:
        """Whether this try went out on a kept connection and heard nothing at all."""
        return self.line is not None and self.was_kept and not self.line.has_heard


current_attempt: ContextVar[Attempt] = ContextVar("current_attempt")


class Lines(aiohttp.TCPConnector):
    """The pool of connections of one event loop."""

    def __init__(self, ssl_context: SSLContext | None) -> None:
        """Open nothing yet."""
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - aiohttp: a bare tuple
            limit=MAX_CONNECTIONS,
            keepalive_timeout=KEEPALIVE_SECONDS,
            socket_factory=_open_socket,
            ssl=ssl_context or True,
        )
        # aiohttp has no parameter for the protocol class; a test fails if this name goes away.
        self._factory = functools.partial(Line, loop=self._loop)
        self._doubts: dict[ConnectionKey, float] = {}

    def now(self) -> float:
        """Return the loop's time, in seconds."""
        return self._loop.time()

    def attempt(self, timeouts: Timeouts, deadline: float) -> Attempt:
        """Begin a try that must connect by then."""
        connect_by = min(self.now() + timeouts.connect, deadline)
        return Attempt(timeouts, deadline, guard=asyncio.timeout_at(connect_by))

    def blame(self, attempt: Attempt) -> None:
        """Trust no connection that rests now, if the failed try went out on a kept one."""
        if attempt.was_kept and attempt.key is not None:
            self._doubts[attempt.key] = self.now()

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the name is aiohttp's
    ) -> Connection:
        """Return a connection that is alive as far as anybody can know."""
        for _ in range(TICKS_TO_SEE_A_CLOSED_PEER):
            await asyncio.sleep(0)
        key = req.connection_key
        while True:
            connection = await super().connect(req, traces, timeout)
            line = connection.protocol
            if not isinstance(line, Line):  # pragma: no cover
                raise TypeError("aiohttp made a connection that is not a Line")
            if not line.is_kept or line.rested_at > self._doubts.get(key, 0.0):
                break
            connection.close()
        connection.add_callback(line.rest)
        current_attempt.get().connected(line, key, self._loop.time())
        return connection


def _open_socket(address: tuple[int, int, int, str, object]) -> socket.socket:
    family, kind, protocol, _, _ = address
    opened = socket.socket(family, kind, protocol)
    opened.setblocking(False)  # noqa: FBT003 - the standard library's signature
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    return opened
