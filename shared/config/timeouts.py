"""One number of seconds, as LiteLLM configures it, becomes the four that transport keeps."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from shared.domain import Timeouts

DEFAULT: Final = Timeouts()
DEFAULT_BUFFERED: Final = replace(DEFAULT, first_byte=DEFAULT.total, between_bytes=DEFAULT.total)
"""A buffered answer's first byte comes when all of it has been generated."""


def buffered_timeouts(seconds: float | None) -> Timeouts:
    """Bound the whole answer."""
    if seconds is None:
        return DEFAULT_BUFFERED
    return Timeouts(min(DEFAULT.connect, seconds), seconds, seconds, seconds)


def stream_timeouts(seconds: float | None) -> Timeouts:
    """Bound every wait within a stream; a stream that keeps coming may take longer."""
    if seconds is None:
        return DEFAULT
    return Timeouts(min(DEFAULT.connect, seconds), seconds, seconds, max(DEFAULT.total, seconds))
