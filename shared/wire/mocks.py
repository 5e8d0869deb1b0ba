"""What a request wants to be played instead of asking a provider, under LiteLLM's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from shared.controls import Mock
from shared.wire import checks
from shared.wire.checks import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.controls import Fails
    from shared.domain import Json

T = TypeVar("T")

MAX_DELAY: Final = 60.0

_PLAYED: Final[tuple[tuple[str, Fails], ...]] = (
    ("mock_testing_fallbacks", "any"),
    ("mock_testing_context_fallbacks", "context_window"),
    ("mock_testing_content_policy_fallbacks", "content_policy"),
    ("mock_testing_rate_limit_error", "rate_limit"),
)


class Reads(Protocol):
    """Reads one field of a body, or says how it is wrong."""

    def __call__(self, field: str, check: Callable[[Json], T], /) -> T | None:
        """Return what the check makes of it, None where it is missing."""
        ...


def mock_of(read: Reads, *, has_text: bool) -> Mock | None:
    """Read the switches; `has_text` where an answer in words can be played."""
    wanted: list[Fails] = [kind for name, kind in _PLAYED if read(name, checks.flag)]
    text = read("mock_response", checks.text if has_text else _not_here)
    is_timeout = read("mock_timeout", checks.flag) or False
    delay = read("mock_delay", _delay) or 0.0
    if text is None and not wanted and not is_timeout:
        return None
    return Mock(text=text, fails=wanted[0] if wanted else None, is_timeout=is_timeout, delay=delay)


def _not_here(value: Json) -> str:
    # Ignored, it would let a test ask a provider in earnest.
    del value
    raise Unfit("is for answers in words only: chats, completions, messages, responses")


def _delay(value: Json) -> float:
    if not 0 <= checks.number(value) <= MAX_DELAY:
        raise Unfit(f"must be between 0 and {MAX_DELAY:.0f} seconds")
    return float(checks.number(value))
