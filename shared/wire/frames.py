"""The server-sent events of each endpoint: how a chunk, an error and the end are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Endpoint
from shared.wire.error_body import error_body, messages_error_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject
    from shared.errors import GatewayError

KEEP_ALIVE: Final = b": keep-alive\n\n"
"""A comment: every SSE reader skips it, and no proxy between believes the connection dead."""

_DONE: Final = b"data: [DONE]\n\n"
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
    body = error_body(error)
    if endpoint is Endpoint.RESPONSES:
        inner = body["error"]
        told = inner if isinstance(inner, dict) else {}
        body = {"type": "error", "code": told.get("type"), "sequence_number": 0, **_words(told)}
    return frame(endpoint, body)


def last_frame(endpoint: Endpoint) -> bytes:
    """Write what ends a stream; nothing where the last event says so itself."""
    is_told = endpoint in _NAMED or endpoint is Endpoint.PASS_THROUGH
    return b"" if is_told else _DONE


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
        case Endpoint.CHAT | Endpoint.COMPLETION | Endpoint.EMBEDDING:
            return {**data, "model": model}
        case _:
            return {**data, "model": model} if "model" in data else dict(data)


def _words(told: JsonObject) -> JsonObject:
    return {"message": told.get("message"), "param": told.get("param")}
