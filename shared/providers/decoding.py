"""A stream of server-sent JSON events, whatever they mean: the part all dialects share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from shared.errors import ProviderFailed
from shared.providers.dialect import StreamEvent
from shared.providers.failures import malformed
from shared.providers.reading import parsed
from shared.providers.sse import LineTooLong, SseEvent, SseParser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.domain import JsonObject


class Meaning(Protocol):
    """What the events of one stream mean, one after another."""

    def read(self, data: JsonObject) -> list[StreamEvent]:
        """Translate one event; raise ProviderFailed when it is not what it should be."""
        ...

    def close(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed; empty when it was too early."""
        ...


@dataclass(slots=True)
class JsonDecoder:
    """Cuts the bytes into events and stops at the first that ends the stream."""

    meaning: Meaning
    _parser: SseParser = field(default_factory=SseParser)
    _is_over: bool = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        found: list[SseEvent] = []
        is_cut = False
        try:
            self._parser.feed(chunk, found)
        except LineTooLong:
            is_cut = True
        events: list[StreamEvent] = []
        for event in self._read_all(found, is_cut=is_cut):
            events.append(event)
            if event.is_done or event.error is not None:
                self._is_over = True
                break
        return events

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        events = self.feed(b"\n\n")
        if self._is_over:
            return events
        self._is_over = True
        left = self.meaning.close()
        return [*events, *(left or [StreamEvent(error=malformed("ended before it was complete"))])]

    def _read_all(self, found: list[SseEvent], *, is_cut: bool) -> Iterator[StreamEvent]:
        if self._is_over:
            return
        try:
            for event in found:
                data = event.data.strip()
                if data and data != b"[DONE]":
                    yield from self.meaning.read(parsed(data))
        except ProviderFailed as error:
            yield StreamEvent(error=error)
        if is_cut:
            yield StreamEvent(error=malformed("has a line that is too long"))
