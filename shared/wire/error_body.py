"""The error body every caller sees: OpenAI's shape, with LiteLLM's string `code`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shared.domain import JsonObject
    from shared.errors import GatewayError


def error_body(error: GatewayError) -> JsonObject:
    """Show an error as JSON that can always be encoded."""
    return {
        "error": {
            "message": _encodable(error.message),
            "type": error.type,
            "param": None if error.param is None else _encodable(error.param),
            "code": error.code,
        },
    }


def _encodable(text: str) -> str:
    # A message may quote a caller's path or header, which can hold lone surrogates.
    return text.encode("utf-8", "replace").decode("utf-8")
