"""A streamed answer on its way: the provider's events to the caller, usage read in passing."""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import GatewayError, ProviderFailed, TransportFailed
from shared.gateway.finishing import finish
from shared.gateway.timings import PROVIDER

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.gateway.asking import OpenStream
    from shared.gateway.replaying import Replay
    from shared.gateway.running import Running
    from shared.providers.dialect import StreamEvent
    from shared.providers.heads import Head
    from shared.wire.frames import Framing


@dataclass(slots=True)
class Relay:
    """An answer in pieces; `running` still holds its room until `finish`."""

    running: Running
    stream: OpenStream | Replay

    @property
    def head(self) -> Head | None:
        """The vendor's own head, of a stream that is passed on as it is."""
        return self.stream.head

    async def frames(self, framing: Framing) -> AsyncIterator[bytes]:
        """Yield events as the provider sends them.

        A failure after the first byte becomes an error event: the status is gone already.
        """
        try:
            async for event in self._events():
                if event.is_done and event.data is not None:
                    # Some callers hang up at the last event: by then the call must be settled.
                    if event.error is not None:
                        self.running.fail(event.error)
                    await finish(self.running.settle())
                if event.raw:
                    yield event.raw
                elif event.data is not None:
                    yield framing.event(self.running.shown(event.data))
                elif event.error is not None:
                    raise event.error
        except (ProviderFailed, TransportFailed) as error:
            self.running.fail(error)
            yield framing.error(_in_our_words(error))
        # The caller's next call may be on its way before this one's slot is free again.
        if self.running.plan.leases:
            await finish(self.running.settle())
        if end := framing.end():
            yield end

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
