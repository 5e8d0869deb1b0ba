"""Names of the rate windows in Redis: UTC text, so that an operator can read a key. Pure."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shared.domain import Millis

if TYPE_CHECKING:
    from shared.domain import Scope

MINUTE_MS = 60_000


def minute_start(now: Millis) -> Millis:
    """Return the start of the minute that `now` lies in."""
    return Millis(now - now % MINUTE_MS)


def minute_text(moment: Millis) -> str:
    """Name the minute of a moment: `2024-01-15T10:05`."""
    return time.strftime("%Y-%m-%dT%H:%M", time.gmtime(moment // 1000))


def window_key(scope: Scope | str, encoded_id: str, moment: Millis) -> str:
    """Name the window of an entity's minute: `ratelimit:{scope}:{entity_id}:{window}`."""
    return f"ratelimit:{scope}:{encoded_id}:{minute_text(moment)}"
