"""Speak RESP2 with Valkey: many callers share one connection, replies come back in order."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

Command = list[bytes]
Value = bytes | int | str | list["Value"] | None


class Status(str):
    """A simple string, such as OK."""

    __slots__ = ()


class ErrorReply(str):
    """An error that Valkey replied with."""

    __slots__ = ()


class Reader:
    """Turn bytes as they arrive into replies; takes up where the bytes ended."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._open: list[
            tuple[list[Value], int]
        ] = []  # arrays begun, and the length each will have

    def feed(self, data: bytes) -> list[Value]:
        """Return the replies that `data` completes."""
        self._buffer += data
        done: list[Value] = []
        at = 0
        while (item := self._item(at)) is not None:
            value, at, length = item
            if length:
                self._open.append(([], length))
            else:
                self._place(value, done)
        del self._buffer[:at]
        return done

    def _item(self, at: int) -> tuple[Value, int, int] | None:
        """Read the item at `at`: its value, where the next one starts, how many items it opens."""
        end = self._buffer.find(b"\r\n", at)
        if end < 0:
            return None
        kind, text, after = self._buffer[at], bytes(self._buffer[at + 1 : end]), end + 2
        match chr(kind):
            case "$" if text != b"-1":
                stop = after + int(text)
                if len(self._buffer) < stop + 2:
                    return None
                return bytes(self._buffer[after:stop]), stop + 2, 0
            case "*" if text != b"-1":
                return [], after, int(text)
            case "$" | "*":
                return None, after, 0
            case ":":
                return int(text), after, 0
            case "+":
                return Status(text.decode()), after, 0
            case "-":
                return ErrorReply(text.decode()), after, 0
            case _:
                raise ConnectionError(f"not RESP2: {text[:40]!r}")

    def _place(self, value: Value, done: list[Value]) -> None:
        while self._open:
            items, length = self._open[-1]
            items.append(value)
            if len(items) < length:
                return
            self._open.pop()
            value = items
        done.append(value)


def encode(commands: Iterable[Command]) -> bytes:
    """Write commands as Valkey reads them."""
    parts: list[bytes] = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        parts.extend(b"$%d\r\n%b\r\n" % (len(argument), argument) for argument in command)
    return b"".join(parts)


class _Wire(asyncio.Protocol):
    """One connection; each batch of commands waits in line for as many replies."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.pushed: asyncio.Queue[Value | Lost] = asyncio.Queue()
        self._reader = Reader()
        self._waiting: deque[tuple[asyncio.Future[list[Value]], list[Value], int]] = deque()

    @property
    def is_open(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # pyright: ignore[reportAttributeAccessIssue] - TCP gives a Transport

    def send(self, commands: Sequence[Command]) -> asyncio.Future[list[Value]]:
        future: asyncio.Future[list[Value]] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, [], len(commands)))
        self.write(encode(commands))
        return future

    def write(self, data: bytes) -> None:
        if self.transport is None:
            raise ConnectionError("not connected")
        self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        for reply in self._reader.feed(data):
            self._deliver(reply)

    def _deliver(self, reply: Value) -> None:
        if not self._waiting:
            self.pushed.put_nowait(reply)
            return
        future, replies, wanted = self._waiting[0]
        replies.append(reply)
        if len(replies) == wanted:
            self._waiting.popleft()
            if not future.done():  # its caller may have gone
                future.set_result(replies)

    def connection_lost(self, exc: Exception | None) -> None:
        for future, _, _ in self._waiting:
            if not future.done():
                future.set_exception(ConnectionError(f"Valkey closed the connection: {exc}"))
        self._waiting.clear()
        self.pushed.put_nowait(LOST)


class Lost:
    """The end of what a connection pushes."""


LOST: Final = Lost()


class Connection:
    """Valkey as the door sees it: one shared connection, made anew when it is lost.

    Sharing is safe: no blocking command passes the door, and a transaction is written in one piece.
    """

    def __init__(self, host: str, port: int, password: str) -> None:
        self._address = (host, port)
        self._password = password.encode()
        self._wire: _Wire | None = None
        self._connecting = asyncio.Lock()

    async def call(self, commands: Sequence[Command]) -> list[Value]:
        """Send commands in one piece and return their replies; OSError when Valkey is gone."""
        wire = self._wire
        if wire is None or not wire.is_open:
            wire = await self._reconnect()
        return await wire.send(commands)

    async def listen(self, command: Command) -> AsyncIterator[Value]:
        """Run a command that never ends on a connection of its own and yield what it says."""
        wire = await self._connect()
        try:
            wire.write(encode([command]))
            while not isinstance(said := await wire.pushed.get(), Lost):
                yield said
        finally:
            if wire.transport:
                wire.transport.abort()

    def close(self) -> None:
        """Close the shared connection."""
        if self._wire and self._wire.transport:
            self._wire.transport.abort()

    async def _reconnect(self) -> _Wire:
        async with self._connecting:
            if self._wire is None or not self._wire.is_open:
                self._wire = await self._connect()
            return self._wire

    async def _connect(self) -> _Wire:
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(_Wire, *self._address)
        if self._password:
            await wire.send([[b"AUTH", self._password]])
        return wire
