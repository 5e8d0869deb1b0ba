"""A streamed answer on its way: the provider's events to the caller, usage read in passing."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from shared.errors import GatewayError, ProviderFailed, TransportFailed
from shared.gateway.finishing import finish
from shared.gateway.timings import PROVIDER
from shared.wire.error_body import error_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.domain import JsonObject
    from shared.gateway.asking import OpenStream
    from shared.gateway.replaying import Replay
    from shared.gateway.running import Running
    from shared.providers.dialect import StreamEvent

DONE = b"data: [DONE]\n\n"


@dataclass(slots=True)
class Relay:
    """An answer in pieces; `running` still holds its room until `finish`."""

    running: Running
    stream: OpenStream | Replay

    async def frames(self) -> AsyncIterator[bytes]:
        """Yield server-sent events as the provider sends them.

        A failure after the first byte becomes an error event: the status is gone already.
        """
        try:
            async for event in self._events():
                if event.error is not None:
                    raise event.error
                if event.data is not None:
                    yield _frame({**event.data, "model": self.running.call.model})
        except (ProviderFailed, TransportFailed) as error:
            self.running.fail(error)
            yield _frame(error_body(_in_our_words(error)))
        # The caller's next call may be on its way before this one's slot is free again.
        if self.running.plan.leases:
            await finish(self.running.settle())
        yield DONE

    async def finish(self) -> None:
        """Stop reading and settle the call, however much of it the caller took."""
        await finish(self._end())

    async def _end(self) -> None:
        await self.stream.close()
        await self.running.settle()

    async def _events(self) -> AsyncIterator[StreamEvent]:
        for event in self.stream.first:
            self.running.observe(event)
            yield event
        began = time.perf_counter()
        async with aclosing(self.stream.chunks) as chunks:
            async for chunk in chunks:
                self.running.timings.add(PROVIDER, time.perf_counter() - began)
                for event in self.stream.decoder.feed(chunk):
                    self.running.observe(event)
                    yield event
                began = time.perf_counter()
        for event in self.stream.decoder.end():
            self.running.observe(event)
            yield event


def _in_our_words(error: ProviderFailed | TransportFailed) -> GatewayError:
    if isinstance(error, ProviderFailed):
        return error
    return ProviderFailed(
        f"The provider's stream broke off: {error.phase}.",
        status=502,
        type="api_connection_error",
        retryable=False,
    )


def _frame(data: JsonObject) -> bytes:
    return b"data: " + orjson.dumps(data) + b"\n\n"
