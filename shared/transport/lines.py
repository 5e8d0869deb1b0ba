"""The connections behind the client: which may be used again, and what is known of each.

aiohttp keeps the pool. Added here: a connection whose peer went away while this process was
frozen is noticed before it is used, one that spoke without being asked is dropped, and after a
kept connection has failed its idle siblings are not trusted either.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.client_proto import ResponseHandler

from shared.transport.attempt import current_attempt

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp.client_reqrep import ClientRequest, ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

    from shared.transport.attempt import Attempt

MAX_CONNECTIONS_PER_HOST = 1000
KEEPALIVE_SECONDS = 90
TCP_USER_TIMEOUT_MS = 3_000
# One tick finds the sockets on which something happened, the next one has run their readers.
TICKS_TO_SEE_A_CLOSED_PEER = 2


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
        # aiohttp passes empty data to itself to go on after a pause: nothing was heard then.
        if data and self.is_resting:
            self.abort()
            return
        self.has_heard = self.has_heard or bool(data)
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Break off the body if the connection was reset.

        aiohttp takes any end of a connection for the end of a body without length.
        """
        if exc is not None and self._payload is not None:
            self._payload.set_exception(aiohttp.ClientPayloadError("connection reset"), exc)
        super().connection_lost(exc)

    def close(self) -> None:
        """Close at once: a given-up request must not linger to flush its body."""
        self.abort()


class Lines(aiohttp.TCPConnector):
    """The pool of connections of one event loop."""

    def __init__(self, ssl_context: SSLContext | None) -> None:
        """Open nothing yet."""
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - aiohttp: a bare tuple
            limit=0,  # streams that fill one provider's share must not keep settles from Redis
            limit_per_host=MAX_CONNECTIONS_PER_HOST,
            keepalive_timeout=KEEPALIVE_SECONDS,
            socket_factory=_open_socket,
            ssl=ssl_context or True,
        )
        # aiohttp has no parameter for the protocol class; a test fails if this name goes away.
        self._factory = functools.partial(Line, loop=self._loop)
        self._doubts: dict[ConnectionKey, float] = {}

    def blame(self, attempt: Attempt) -> None:
        """Trust no connection that rests now, if the failed try went out on a kept one."""
        if attempt.was_kept and attempt.key is not None:
            self._doubts[attempt.key] = self._loop.time()

    async def connect(
        self,
        req: ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the name is aiohttp's
    ) -> Connection:
        """Return a connection that is alive as far as anybody can know."""
        key = req.connection_key
        while True:
            connection = await super().connect(req, traces, timeout)
            line = connection.protocol
            if not isinstance(line, Line):  # pragma: no cover
                raise TypeError("aiohttp made a connection that is not a Line")
            try:
                if not line.is_kept or await self._is_alive(line, key):
                    current_attempt.get().check_address(_peer_of(connection))
                    break
            except BaseException:
                connection.close()
                raise
            connection.close()
        connection.add_callback(line.rest)
        line.take()
        current_attempt.get().connected(line, key, self._loop.time())
        return connection

    async def _is_alive(self, line: Line, key: ConnectionKey) -> bool:
        if line.rested_at <= self._doubts.get(key, 0.0):
            return False
        for _ in range(TICKS_TO_SEE_A_CLOSED_PEER):
            await asyncio.sleep(0)
        return line.is_connected()


def _peer_of(connection: Connection) -> str:
    transport = connection.transport
    peer: tuple[str, int] | None = transport and transport.get_extra_info("peername")
    return peer[0] if peer else ""


def _open_socket(address: tuple[int, int, int, str, tuple[str, int]]) -> socket.socket:
    family, kind, protocol, _, place = address
    # Here the name has become an address, and nothing has been sent: whatever a name's owner
    # answers the second time, this is what will be connected to.
    if (attempt := current_attempt.get(None)) is not None:
        attempt.check_address(place[0])
    opened = socket.socket(family, kind, protocol)
    opened.setblocking(False)  # noqa: FBT003 - the standard library's signature
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, TCP_USER_TIMEOUT_MS)
    return opened
