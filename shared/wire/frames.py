"""The server-sent events of each endpoint: how a chunk, an error and the end are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Endpoint
from shared.wire.error_body import content_error_body, error_body, messages_error_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject
    from shared.errors import GatewayError

KEEP_ALIVE: Final = b": keep-alive\n\n"
"""A comment: every SSE reader skips it, and no proxy between believes the connection dead."""

_DONE: Final = b"data: [DONE]\n\n"
_ENDING: Final = frozenset({Endpoint.PASS_THROUGH, Endpoint.CONTENT})
"""Endpoints whose streams end by closing."""

_NAMED: Final = frozenset({Endpoint.MESSAGES, Endpoint.RESPONSES})
"""Endpoints whose events have names, which are the `type` of their data, and whose last is one."""


def frame(endpoint: Endpoint, data: JsonObject) -> bytes:
    """Write one event."""
    line = b"data: " + orjson.dumps(data) + b"\n\n"
    if endpoint in _NAMED:
        return f"event: {data.get('type')}\n".encode() + line
    return line


def error_frame(endpoint: Endpoint, error: GatewayError) -> bytes:
    """Write the event that tells of a failure after the first byte."""
    if endpoint is Endpoint.MESSAGES:
        return frame(endpoint, messages_error_body(error))
    if endpoint is Endpoint.CONTENT:
        return frame(endpoint, content_error_body(error))
    body = error_body(error)
    if endpoint is Endpoint.RESPONSES:
        inner = body["error"]
        told = inner if isinstance(inner, dict) else {}
        body = {"type": "error", "code": told.get("type"), "sequence_number": 0, **_words(told)}
    return frame(endpoint, body)


def last_frame(endpoint: Endpoint) -> bytes:
    """Write what ends a stream; nothing where the last event says so itself."""
    return b"" if endpoint in _ENDING or endpoint in _NAMED else _DONE


class Framing:
    """How the pieces of a streamed answer are written: as server-sent events."""

    media_type = "text/event-stream"
    keep_alive = KEEP_ALIVE

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def event(self, data: JsonObject) -> bytes:
        """Write one event."""
        return frame(self._endpoint, data)

    def error(self, error: GatewayError) -> bytes:
        """Write a failure after the first byte."""
        return error_frame(self._endpoint, error)

    def end(self) -> bytes:
        """Write the end."""
        return last_frame(self._endpoint)


class ArrayFraming(Framing):
    """Google's other way: one JSON array, an item a response; silence is filled by line ends."""

    media_type = "application/json"
    keep_alive = b"\n"
    _has_begun = False

    def event(self, data: JsonObject) -> bytes:
        """Write one item."""
        before, self._has_begun = (b",\n" if self._has_begun else b"["), True
        return before + orjson.dumps(data)

    def error(self, error: GatewayError) -> bytes:
        """Write a failure as the last item."""
        return self.event(content_error_body(error))

    def end(self) -> bytes:
        """Close the array."""
        return b"]" if self._has_begun else b"[]"


class PassingFraming(Framing):
    """A vendor's own bytes, of any kind: nothing of ours may come between them."""

    keep_alive = b""

    def __init__(self, endpoint: Endpoint, media_type: str) -> None:
        super().__init__(endpoint)
        self.media_type = media_type

    def error(self, error: GatewayError) -> bytes:
        """Tell of it where events are read; else break off, lest a part passes for the whole."""
        if not self.media_type.startswith(Framing.media_type):
            raise ConnectionAbortedError
        return b"\n\n" + super().error(error)


def publicly_named(endpoint: Endpoint, data: Mapping[str, Json], model: str) -> JsonObject:
    """Name the model in a whole answer or in an event as its caller does.

    Where an endpoint's answers have their names only in places, these are replaced and no other.
    """
    match endpoint:
        case Endpoint.MESSAGES | Endpoint.COUNT_TOKENS:
            message = data.get("message")
            if isinstance(message, dict):
                return {**data, "message": {**message, "model": model}}
            return {**data, "model": model} if "model" in data else dict(data)
        case Endpoint.RESPONSES:
            response = data.get("response")
            if isinstance(response, dict):
                return {**data, "response": {**response, "model": model}}
            return {**data, "model": model} if "model" in data else dict(data)
        case Endpoint.CONTENT:
            return {**data, "modelVersion": model} if "modelVersion" in data else dict(data)
        case Endpoint.CHAT | Endpoint.COMPLETION | Endpoint.EMBEDDING:
            return {**data, "model": model}
        case _:
            return {**data, "model": model} if "model" in data else dict(data)


def _words(told: JsonObject) -> JsonObject:
    return {"message": told.get("message"), "param": told.get("param")}
