"""Header values of foreign text, made fit for HTTP."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

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
