"""Kinds of failures, as LiteLLM's retry policies name them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.errors import ContentPolicyViolated

if TYPE_CHECKING:
    from shared.config.model import ErrorKind
    from shared.errors import ProviderFailed

_SERVER_ERROR: Final = 500
_BY_STATUS: Final[dict[int, ErrorKind]] = {
    401: "AuthenticationError",
    403: "AuthenticationError",
    408: "TimeoutError",
    429: "RateLimitError",
}


def kind_of(error: ProviderFailed) -> ErrorKind:
    """Name the kind of a failure."""
    if isinstance(error, ContentPolicyViolated):
        return "ContentPolicyViolationError"
    if error.status >= _SERVER_ERROR:
        return "InternalServerError"
    return _BY_STATUS.get(error.status, "BadRequestError")
