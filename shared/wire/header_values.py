"""Headers as they come and go: foreign text made fit for HTTP, the end user found."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

END_USER: Final = "x-litellm-end-user-id"
_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_UNSAFE: Final = re.compile(r"[^\t\x20-\x7e\xa0-\xff]")


def safe_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Make headers of foreign text sendable: latin-1 without control characters, `?` for the rest.

    A name that is no HTTP token is left out.
    """
    return {
        name: _UNSAFE.sub("?", value).strip()
        for name, value in headers.items()
        if _NAME.fullmatch(name)
    }


def with_end_user(headers: Mapping[str, str], names: tuple[str, ...]) -> Mapping[str, str]:
    """Return the headers with the end user in LiteLLM's own, from the first of `names` there is."""
    if not names or headers.get(END_USER, "").strip():
        return headers
    named = next((value for name in names if (value := headers.get(name, "").strip())), None)
    return headers if named is None else {**headers, END_USER: named}
