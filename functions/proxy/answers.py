"""How an answer goes out: its bytes first, then the settling, whatever became of the caller."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from functions.proxy.reporting import reply_headers_of, report
from shared.wire.frames import Framing
from shared.wire.header_values import safe_headers

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from shared.gateway.relay import Relay
    from shared.gateway.serve import Answer
    from shared.providers.heads import Head


class BufferedAnswer(Response):
    """A whole answer."""

    def __init__(self, answer: Answer, route: str) -> None:
        super().__init__(
            orjson.dumps(answer.body) if answer.raw is None else answer.raw,
            media_type=answer.media_type,
            headers=reply_headers_of(answer.running, is_stream=False),
        )
        _take_head(self, answer.head)
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

    def __init__(self, relay: Relay, route: str, framing: Framing | None = None) -> None:
        self._framing = framing or Framing(relay.running.call.endpoint)
        self.media_type = self._framing.media_type
        super().__init__(headers=reply_headers_of(relay.running, is_stream=True))
        # Starlette counts an empty body; ours has no length before its end.
        del self.headers["content-length"]
        self.headers["cache-control"] = "no-cache"
        _take_head(self, relay.head)
        self.headers["x-accel-buffering"] = "no"
        self._relay = relay
        self._route = route
        self._sent_at = math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send events until they end or the caller leaves, then settle."""
        beat = asyncio.ensure_future(self._keep_alive(send))
        pump = asyncio.ensure_future(self._pump(send))
        watch = asyncio.ensure_future(_caller_gone(receive))
        try:
            await asyncio.wait({pump, watch}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (pump, watch, beat):
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
        clock = asyncio.get_running_loop().time
        self._sent_at = clock()
        async for frame in self._relay.frames(self._framing):
            self._sent_at = math.inf  # while one waits for a slow caller no other may begin
            await send({"type": "http.response.body", "body": frame, "more_body": True})
            self._sent_at = clock()
        self._sent_at = math.inf
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _keep_alive(self, send: Send) -> None:
        """Send a comment whenever the provider has been silent for long."""
        clock = asyncio.get_running_loop().time
        period = self._relay.running.gateway.keep_alive_seconds
        silence = self._framing.keep_alive
        while silence:
            silent = clock() - self._sent_at
            if silent >= period:
                self._sent_at = clock()
                await send({"type": "http.response.body", "body": silence, "more_body": True})
                silent = 0
            await asyncio.sleep(period - max(silent, 0))


def _take_head(response: Response, head: Head | None) -> None:
    """Answer with a vendor's own status and headers, beside ours."""
    if head is not None:
        response.status_code = head.status
        response.headers.update(safe_headers(head.headers))


async def _caller_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
