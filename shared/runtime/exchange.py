"""One ASGI request and its answer, whatever the answer is written to.

The head is held back until the first body message: until then a failure can still become a 500.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from shared.errors import GatewayError
from shared.observability import log
from shared.runtime.http import error_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Scope

    from shared.runtime.events import Headers, Incoming
    from shared.runtime.process import Invocation


class Sink(Protocol):
    """Where an answer goes: `open`, any number of `write`, then `close` or `fail`."""

    async def open(self, status: int, headers: Headers) -> None:
        """Take the head."""
        ...

    async def write(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        ...

    async def close(self) -> None:
        """Know that the answer is complete."""
        ...

    async def fail(self, error: BaseException) -> None:
        """Know that no more will come though the answer is not complete."""
        ...


class Incomplete(Exception):  # noqa: N818 - what the answer is
    """The app returned before its answer was complete."""


class Exchange:
    """Run an app for one request. `leave` tells it that the client is gone."""

    def __init__(self, incoming: Incoming, sink: Sink) -> None:
        self._scope: Scope = incoming.scope
        self._body: bytes | None = incoming.body
        self._sink = sink
        self._head: tuple[int, Headers] | None = None
        self._is_open = False
        self._is_complete = False
        self._over = asyncio.Event()

    async def run(self, app: ASGIApp, invocation: Invocation) -> None:
        """Run the app to its end; it has to end by the invocation's deadline.

        At the deadline the app sees the client leave, so that it still has the margin to settle.
        """
        timer = None
        if invocation.deadline_ms is not None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(invocation.seconds_left, self._out_of_time)
        try:
            await app(self._scope, self._receive, self._send)
            if not self._is_complete:
                await self._give_up(Incomplete("The app ended before its answer did."))
        except Exception as error:  # noqa: BLE001 - the server's front door; nothing may pass it
            log.exception("app_failed", error, path=self._scope["path"])
            if not self._is_complete:
                await self._give_up(error)
        finally:
            if timer is not None:
                timer.cancel()

    def leave(self) -> None:
        """Let the app see `http.disconnect`."""
        self._over.set()

    def _out_of_time(self) -> None:
        log.warning("out_of_time", path=self._scope["path"])
        self.leave()

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._over.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        match message["type"]:
            case "http.response.start" if self._head is None:
                self._head = (message["status"], list(message.get("headers", ())))
            case "http.response.body" if self._head is not None and not self._is_complete:
                await self._send_body(
                    message.get("body", b""),
                    has_more=message.get("more_body", False),
                )
            case kind:
                raise RuntimeError(f"Unexpected ASGI message {kind!r}")

    async def _send_body(self, chunk: bytes, *, has_more: bool) -> None:
        await self._open()
        if chunk:
            await self._sink.write(bytes(chunk))
        if not has_more:
            self._is_complete = True
            await self._sink.close()
            self.leave()

    async def _open(self) -> None:
        if not self._is_open and self._head is not None:
            self._is_open = True
            await self._sink.open(*self._head)

    async def _give_up(self, error: Exception) -> None:
        if self._is_open:
            await self._sink.fail(error)
            return
        shown = error_response(GatewayError("Internal server error"))
        self._head = (shown.status_code, shown.raw_headers)
        await self._send_body(bytes(shown.body), has_more=False)
