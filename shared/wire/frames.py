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

_DONE: Final = b"data: [DONE]\n\n"
_NAMED: Final = frozenset({Endpoint.MESSAGES})
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
    return frame(endpoint, error_body(error))


def last_frame(endpoint: Endpoint) -> bytes:
    """Write what ends a stream; nothing where the last event says so itself."""
    return b"" if endpoint in _NAMED else _DONE


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
        case _:
            return {**data, "model": model}
