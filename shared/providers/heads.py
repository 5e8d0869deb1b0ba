"""The head of a vendor's answer that is passed on as it is: what of it is for the caller."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_SHOWN: Final = frozenset(
    {
        *("content-type", "content-disposition", "content-language", "content-range"),
        *("accept-ranges", "etag", "last-modified", "retry-after", "retry-after-ms"),
        *("x-should-retry", "openai-processing-ms", "openai-version", "x-goog-upload-status"),
    }
)
_SHOWN_PREFIXES: Final = ("x-ratelimit-", "anthropic-ratelimit-")
"""Of a vendor's headers, what is for the caller: no cookies, none of the account's names."""

_TOLD: Final = frozenset(
    {
        *("x-request-id", "request-id", "apim-request-id", "x-amzn-requestid", "cf-ray"),
        *("openai-processing-ms", "openai-version", "x-ms-region", "server-timing"),
        *("retry-after", "retry-after-ms", "x-envoy-upstream-service-time"),
    }
)
_MARK: Final = "llm_provider-"

# LiteLLM's OPENAI_RESPONSE_HEADERS (types/utils.py) and process_anthropic_headers, read 2026-11.
_LIMITS: Final = {
    **{
        name: name
        for name in (
            f"x-ratelimit-{fact}-{unit}"
            for fact in ("limit", "remaining", "reset")
            for unit in ("requests", "tokens")
        )
    },
    **{
        f"anthropic-ratelimit-{unit}-{fact}": f"x-ratelimit-{fact}-{unit}"
        for fact in ("limit", "remaining")
        for unit in ("requests", "tokens")
    },
}


@dataclass(frozen=True, slots=True)
class Head:
    """A vendor's status, and those of its headers that are for the caller."""

    status: int
    headers: Mapping[str, str]


def shown_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return those of a vendor's headers that are for the caller; names in lower case."""
    return {
        name: value
        for name, value in headers.items()
        if name in _SHOWN or name.startswith(_SHOWN_PREFIXES)
    }


def told_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Tell of the vendor's headers under LiteLLM's names: its ids, times and rate limits."""
    told = {
        _MARK + name: value
        for name, value in headers.items()
        if name in _TOLD or name.startswith(_SHOWN_PREFIXES)
    }
    for name, public in _LIMITS.items():
        if name in headers:
            told[public] = headers[name]
    return told
