"""A stream that is known already: its events as they were kept, in the shape of a provider's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.providers.dialect import StreamEvent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from shared.domain import JsonObject


class Replay:
    """Kept events; there is nothing to wait for, to decode or to hang up."""

    head = None

    def __init__(self, events: Sequence[JsonObject]) -> None:
        self.first = [StreamEvent(data=event) for event in events]
        self.chunks = _nothing()
        self.decoder = _NothingLeft()

    async def close(self) -> None:
        """Do nothing."""


class _NothingLeft:
    def feed(self, chunk: bytes) -> list[StreamEvent]:  # noqa: ARG002 - a decoder's signature
        return []

    def end(self) -> list[StreamEvent]:
        return []


async def _nothing() -> AsyncGenerator[bytes]:
    for chunk in ():
        yield chunk
