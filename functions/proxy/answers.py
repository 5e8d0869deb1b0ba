"""How an answer goes out: its bytes first, then the settling, whatever became of the caller."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from functions.proxy.reporting import reply_headers_of, report

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from shared.gateway.relay import Relay
    from shared.gateway.serve import Answer


class BufferedAnswer(Response):
    """A whole answer."""

    def __init__(self, answer: Answer, route: str) -> None:
        super().__init__(
            orjson.dumps(answer.body) if answer.raw is None else answer.raw,
            media_type=answer.media_type,
            headers=reply_headers_of(answer.running, is_stream=False),
        )
        self._answer = answer
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the answer, then settle."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            await self._answer.finish()
            report(self._answer.running, self._route)


class StreamedAnswer(Response):
    """Server-sent events, passed on as they come. A caller who leaves ends the upstream call."""

    media_type = "text/event-stream"

    def __init__(self, relay: Relay, route: str) -> None:
        super().__init__(headers=reply_headers_of(relay.running, is_stream=True))
        # Starlette counts an empty body; ours has no length before its end.
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-cache"
        self.headers["x-accel-buffering"] = "no"
        self._relay = relay
        self._route = route

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send events until they end or the caller leaves, then settle."""
        pump = asyncio.ensure_future(self._pump(send))
        watch = asyncio.ensure_future(_caller_gone(receive))
        try:
            await asyncio.wait({pump, watch}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, watch):
                task.cancel()
            # The generator must have let go of the stream before the stream is closed.
            with suppress(asyncio.CancelledError, OSError):
                await pump
            await self._relay.finish()
            report(self._relay.running, self._route)

    async def _pump(self, send: Send) -> None:
        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            },
        )
        async for frame in self._relay.frames():
            await send({"type": "http.response.body", "body": frame, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _caller_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
