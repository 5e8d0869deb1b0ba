"""Virtual keys: how they are made, presented, hashed and named."""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING

from shared.domain import KeyHash

if TYPE_CHECKING:
    from collections.abc import Mapping

KEY_PREFIX = "sk-"

_HEADERS = (
    "x-litellm-api-key",
    "authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
)
"""Where LiteLLM looks for a key, the first that is there wins."""


def make_key() -> str:
    """Make a new virtual key: `sk-` and 16 random bytes, as LiteLLM does."""
    return KEY_PREFIX + secrets.token_urlsafe(16)


def hash_key(key: str) -> KeyHash:
    """Hash a key as LiteLLM does, so that its rows can be taken over: SHA-256 hex of all of it."""
    return KeyHash(hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest())


def key_name(key: str) -> str:
    """Name a key without telling it: `sk-...` and its last four characters."""
    return f"{KEY_PREFIX}...{key[-4:]}"


def presented_key(headers: Mapping[str, str], only: str | None = None) -> str | None:
    """Return what the caller presents as its key, without `Bearer`; None when nothing is.

    `headers` has lower-case names. `only` is `general_settings.litellm_key_header_name`: where it
    is set no other header is a key's, so that `Authorization` may carry something else.
    """
    for name in (only,) if only else _HEADERS:
        value = headers.get(name)
        if value is not None:
            return _without_scheme(value)
    return None


def _without_scheme(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value.strip()


def masked(key: str) -> str:
    """Show just enough of a value that is not a key to recognise it: `ab****yz`."""
    return f"{key[:2]}****{key[-2:]}" if len(key) > 8 else "****"  # noqa: PLR2004
