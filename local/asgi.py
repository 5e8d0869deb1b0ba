"""The little of HTTP that this machine's own servers need, straight on ASGI: it costs least."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Receive, Scope, Send

BODY_LIMIT = 10 * 1024 * 1024  # Upstash's own; the gateway's is lower
ABORT = "local.abort"
JSON_TYPE = (b"content-type", b"application/json")
HTML_TYPE = (b"content-type", b"text/html")
EVENTS_TYPE = (b"content-type", b"text/event-stream")


class Hangup(Exception):  # noqa: N818 - reads as a sentence: `raise Hangup`
    """The connection is to be cut with no answer."""


class BodyTooLarge(Exception):  # noqa: N818 - reads as a sentence: `raise BodyTooLarge`
    """A request's body is over the cap."""


class AbortableProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, whose requests can cut their connection: plain ASGI has no way to."""

    def on_message_begin(self) -> None:
        """Hand the way to cut the connection to the app."""
        super().on_message_begin()
        self.scope["extensions"] = {ABORT: {"abort": self.transport.abort}}


class Request:
    """One request: its head at once, its body when asked."""

    __slots__ = ("_headers", "_receive", "method", "path", "query")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.method: str = scope["method"]
        self.path: str = scope["raw_path"].decode("latin-1")  # still percent-encoded
        self.query: bytes = scope["query_string"]
        self._headers: list[tuple[bytes, bytes]] = scope["headers"]
        self._receive = receive

    def header(self, name: bytes) -> bytes:
        """Return a header's value, empty when it was not sent."""
        return next((value for each, value in self._headers if each == name), b"")

    async def body(self) -> bytes:
        """Read the whole body; Hangup when the client goes, BodyTooLarge over the cap."""
        message = await self._receive()
        if not message.get("more_body"):
            return message.get("body", b"")
        chunks = [message.get("body", b"")]
        size = len(chunks[0])
        while message.get("more_body"):
            message = await self._receive()
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if message["type"] == "http.disconnect":
                raise Hangup
            if size > BODY_LIMIT:
                raise BodyTooLarge
        return b"".join(chunks)

    async def gone(self) -> None:
        """Return when the client has closed the connection."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


async def hang_up(scope: Scope, request: Request) -> None:
    """Cut the connection that a request came by."""
    scope["extensions"][ABORT]["abort"]()
    await request.gone()


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: JSON, or a web page where a fault wants one."""

    status: int
    json: object
    html: str = ""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    async def send(self, send: Send) -> None:
        """Write it."""
        body = self.html.encode() if self.html else orjson.dumps(self.json)
        kind = HTML_TYPE if self.html else JSON_TYPE
        length = (b"content-length", str(len(body)).encode())
        headers = [kind, length, *self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def send_events(events: AsyncIterator[bytes], request: Request, send: Send) -> None:
    """Write server-sent events as they come, until they end or the client goes."""
    await send({"type": "http.response.start", "status": 200, "headers": [EVENTS_TYPE]})
    await send({"type": "http.response.body", "body": b"", "more_body": True})
    writing = asyncio.create_task(_write(events, send))
    leaving = asyncio.create_task(request.gone())
    await asyncio.wait({writing, leaving}, return_when=asyncio.FIRST_COMPLETED)
    for task in (writing, leaving):
        task.cancel()
    endings = await asyncio.gather(writing, leaving, return_exceptions=True)
    if isinstance(endings[0], Exception):
        raise endings[0]


def event(data: str | bytes) -> bytes:
    """Write one server-sent event."""
    return b"data: %b\n\n" % (data.encode() if isinstance(data, str) else data)


async def _write(events: AsyncIterator[bytes], send: Send) -> None:
    async for each in events:
        await send({"type": "http.response.body", "body": each, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
