"""The error body every caller sees: OpenAI's shape, with LiteLLM's string `code`.

Below `/v1/messages` it is Anthropic's shape and below Google's paths Google's, so that their SDKs
raise what they would at home.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shared.errors import OverBudget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject
    from shared.errors import GatewayError

_MESSAGES: Final = re.compile(r"/(v1/messages|anthropic)(/|$)")
_CONTENT: Final = re.compile(
    r"/(v1beta|gemini|vertex_ai)(/|$)"
    r"|(/v1)?/models/.+:(generateContent|streamGenerateContent|countTokens)/?$"
)

# platform.claude.com/docs/en/api/errors, read 2026-11.
_TYPES: Final[Mapping[int, str]] = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_BREAKDOWNS: Final = 500

# google.aip.dev/193 and ai.google.dev/gemini-api/docs/troubleshooting, read 2026-11.
_STATUSES: Final[Mapping[int, str]] = {
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    409: "ALREADY_EXISTS",
    422: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


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


def messages_error_body(error: GatewayError) -> JsonObject:
    """Show an error as Anthropic does; `request_id` is the header of that name, if there is one."""
    if isinstance(error, OverBudget):
        kind = "billing_error"
    else:
        other = "api_error" if error.status >= _BREAKDOWNS else "invalid_request_error"
        kind = _TYPES.get(error.status, other)
    return {
        "type": "error",
        "error": {"type": kind, "message": _encodable(error.message)},
        "request_id": error.headers.get("request-id"),
    }


def content_error_body(error: GatewayError) -> JsonObject:
    """Show an error as Google does; our type, and how long to wait, stand in the details."""
    other = "INTERNAL" if error.status >= _BREAKDOWNS else "INVALID_ARGUMENT"
    details: list[Json] = [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": error.type,
            "domain": "tollgate",
            "metadata": {} if error.param is None else {"param": _encodable(error.param)},
        }
    ]
    if wait := error.headers.get("retry-after"):
        details.append(
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{wait}s"}
        )
    return {
        "error": {
            "code": error.status,
            "message": _encodable(error.message),
            "status": _STATUSES.get(error.status, other),
            "details": details,
        }
    }


def error_body_at(path: str, error: GatewayError) -> JsonObject:
    """Show an error in the shape of the entrance that `path` leads to."""
    if _MESSAGES.match(path):
        return messages_error_body(error)
    if _CONTENT.match(path):
        return content_error_body(error)
    return error_body(error)


def _encodable(text: str) -> str:
    # A message may quote a caller's path or header, which can hold lone surrogates.
    return text.encode("utf-8", "replace").decode("utf-8")
