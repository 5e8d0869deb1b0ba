"""Clean a provider's sentence of what is not the caller's business before it is passed on.

Keys, addresses within a network, names of the operator's accounts and control characters go; public
pages such as a vendor's documentation stay.
"""

from __future__ import annotations

import re
from typing import Final

MAX_MESSAGE: Final = 2000

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_KEY: Final = re.compile(
    r"(?i)\bbearer\s+\S+"
    r"|\b(?:sk|pk|rk|gsk|xai|pplx|csk|fw|nvapi|hf|r8|tgp|key)[-_][\w*.-]{8,}"
    r"|\bAIza[\w-]{20,}|\b(?:AKIA|ASIA)[A-Z0-9]{12,}|\bya29\.[\w.-]{8,}",
)
# Roles and accounts at AWS, projects and service accounts at Google, organisations at OpenAI.
_ACCOUNT: Final = re.compile(
    r"\barn:aws[\w-]*:[^\s,;'\"]+|[\w.-]+@[\w.-]+\.gserviceaccount\.com"
    r"|(?<=\bprojects/)[\w:.-]+|\borg-\w{8,}|\bproj_\w{8,}"
)
_URL: Final = re.compile(r"(?i)\b(?:https?|wss?|tcp)://[^\s\"'<>()]+")
_PUBLIC: Final = re.compile(r"(?i)https://(?:[a-z0-9-]+\.)+[a-z]{2,24}(?:[/.,;!#][^?@]*)?")
_INSIDE: Final = re.compile(r"(?i)//[^/]*\.(?:local|internal|lan|corp|intranet|svc|test)\b")
_ADDRESS: Final = re.compile(r"(?i)\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b|\blocalhost(?::\d+)?\b")


def clean(message: str) -> str:
    """Return the message fit to be shown, at most MAX_MESSAGE characters of it."""
    text = _CONTROL.sub(" ", message[: 4 * MAX_MESSAGE]).strip()
    text = _KEY.sub("[key]", text)
    text = _ACCOUNT.sub("[account]", text)
    text = _URL.sub(_shown_url, text)
    return _ADDRESS.sub("[address]", text)[:MAX_MESSAGE]


def without_keys(body: bytes) -> bytes:
    """Return a vendor's words as they are, but for what looks like a key."""
    return _KEY.sub("[key]", body.decode("utf-8", "surrogateescape")).encode(
        "utf-8", "surrogateescape"
    )


def _shown_url(found: re.Match[str]) -> str:
    url = found.group()
    is_public = _PUBLIC.fullmatch(url) is not None and _INSIDE.search(url) is None
    return url if is_public else "[address]"
