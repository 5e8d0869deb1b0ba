"""The Responses API at a vendor that speaks it: events go through as they come.

https://platform.openai.com/docs/api-reference/responses-streaming, read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Usage
from shared.errors import ProviderFailed
from shared.providers.dialect import Reply, StreamEvent
from shared.providers.failures import failure_inside, malformed
from shared.providers.sse import LineTooLong, SseEvent, SseParser
from shared.providers.usage import text_bytes, usage_of

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

_LAST: Final = frozenset({"response.completed", "response.incomplete", "response.failed"})


def read_response(parsed: JsonObject) -> Reply:
    """Read a whole response object; raise ProviderFailed when it failed or is none."""
    if isinstance(parsed.get("error"), dict):
        raise failure_inside(parsed)
    if not isinstance(parsed.get("output"), list):
        raise malformed("has no `output`")
    found = parsed.get("id")
    return Reply(
        body=parsed,
        usage=usage_of(parsed),
        response_id=found if isinstance(found, str) and found else None,
        text_bytes=text_bytes(parsed.get("output")),
    )


def read_count(parsed: JsonObject) -> Reply:
    """Read how many tokens an input has: that is free."""
    if not isinstance(parsed.get("input_tokens"), int):
        raise malformed("has no `input_tokens`")
    return Reply(parsed, Usage(), None)


@dataclass(slots=True)
class ResponsesDecoder:
    """A stream of named events that ends in one that carries the whole response."""

    _parser: SseParser = field(default_factory=SseParser)
    _is_over: bool = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        found: list[SseEvent] = []
        failed: StreamEvent | None = None
        try:
            self._parser.feed(chunk, found)
        except LineTooLong:
            failed = StreamEvent(error=malformed("has a line that is too long"))
        events: list[StreamEvent] = []
        for event in [*map(_read, found), failed]:
            if event is None or self._is_over:
                continue
            events.append(event)
            self._is_over = event.is_done or event.error is not None
        return events

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        events = self.feed(b"\n\n")
        if self._is_over:
            return events
        self._is_over = True
        return [*events, StreamEvent(error=malformed("ended before it was complete"))]


def _read(event: SseEvent) -> StreamEvent | None:
    if not event.data.strip() or event.data.strip() == b"[DONE]":
        return None
    try:
        data = _parsed(event.data)
    except ProviderFailed as error:
        return StreamEvent(error=error)
    kind = data.get("type") or event.name
    if kind == "error" or not isinstance(kind, str) or not kind:
        return StreamEvent(error=failure_inside(data))
    data["type"] = kind
    response = data.get("response")
    if not isinstance(response, dict):
        delta = data.get("delta") if kind.endswith(".delta") else None
        return StreamEvent(data=data, text_bytes=text_bytes(delta))
    found = response.get("id")
    return StreamEvent(
        data=data,
        usage=usage_of(response),
        response_id=found if isinstance(found, str) and found else None,
        is_done=kind in _LAST,
        error=failure_inside(response) if kind == "response.failed" else None,
    )


def _parsed(body: bytes) -> JsonObject:
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed("is not JSON") from error
    if not isinstance(parsed, dict):
        raise malformed("is not a JSON object")
    return parsed
