"""What the fields of a request body may be. A check raises Unfit with the rest of a sentence."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain import Json

MAX_NAME: Final = 255
MAX_TOKENS: Final = 10_000_000
"""More than any model writes; larger numbers are mistakes or attacks on the arithmetic."""

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,255}")
_HEADER_TEXT: Final = re.compile(r"[\t\x20-\x7e]{0,4096}")
_KEPT_HEADERS: Final = frozenset(
    {
        *("authorization", "api-key", "x-api-key", "x-goog-api-key", "cookie", "host"),
        *("proxy-authorization", "x-litellm-api-key", "x-amz-security-token", "forwarded"),
        *("connection", "content-length", "content-type", "content-encoding", "expect"),
        *("keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "accept-encoding"),
    }
)
_LARGEST_TOKEN: Final = 2**31 - 1

T = TypeVar("T")


class Unfit(Exception):  # noqa: N818 - reads as a sentence: `raise Unfit("must be …")`
    """A value is not what its field takes."""


def text(value: Json) -> str:
    """Take any string."""
    if not isinstance(value, str):
        raise Unfit("must be a string")
    return value


def name(value: Json) -> str:
    """Take what names something: 1 to 255 printable characters."""
    if not isinstance(value, str):
        raise Unfit("must be a string")
    if not value or len(value) > MAX_NAME:
        raise Unfit(f"must have 1 to {MAX_NAME} characters")
    if not value.isprintable():
        raise Unfit("must not hold control characters")
    return value


def flag(value: Json) -> bool:
    """Take true or false."""
    if not isinstance(value, bool):
        raise Unfit("must be true or false")
    return value


def whole(least: int, most: int) -> Callable[[Json], int]:
    """Take a whole number between two, both included; true and false are none."""

    def check(value: Json) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise Unfit("must be an integer")
        if not least <= value <= most:
            raise Unfit(f"must be between {least} and {most}")
        return value

    return check


def number(value: Json) -> float:
    """Take a finite number; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Unfit("must be a number")
    return value


def not_negative(value: Json) -> float:
    """Take a finite number of 0 or more."""
    if number(value) < 0:
        raise Unfit("must not be negative")
    return number(value)


def seconds(value: Json) -> float:
    """Take a time of more than 0 and at most a day."""
    if not 0 < number(value) <= 86_400:  # noqa: PLR2004 - a day
        raise Unfit("must be a number of seconds above 0 and at most 86400")
    return float(number(value))


def mapping(value: Json) -> dict[str, Json]:
    """Take an object."""
    if not isinstance(value, dict):
        raise Unfit("must be an object")
    return value


def headers(value: Json) -> dict[str, str]:
    """Take headers for a provider, but none that opens it, leads astray or frames a message."""
    found: dict[str, str] = {}
    for name, text_ in mapping(value).items():
        lower = name.lower()
        if not _HEADER_NAME.fullmatch(name) or lower in _KEPT_HEADERS:
            raise Unfit(f"must not hold {name[:MAX_NAME]!r}")
        if not isinstance(text_, str) or not _HEADER_TEXT.fullmatch(text_):
            raise Unfit("must hold strings of printable characters")
        found[lower] = text_
    return found


def tokens(value: Json) -> list[int]:
    """Take an array of token ids; there may be a million, so none is looked at in Python."""
    if not isinstance(value, list) or set(map(type, value)) != {int}:
        raise Unfit("must be an array of token ids")
    ids = cast("list[int]", value)  # as the line above has seen
    if min(ids) < 0 or max(ids) > _LARGEST_TOKEN:
        raise Unfit("must be an array of token ids")
    return ids


def either(*checks: Callable[[Json], object]) -> Callable[[Json], object]:
    """Take what one of the checks takes; the last one's words are told."""

    def check(value: Json) -> object:
        for attempt in checks[:-1]:
            try:
                return attempt(value)
            except Unfit:
                continue
        return checks[-1](value)

    return check


def listed(
    check: Callable[[Json], T], *, least: int = 0, most: int | None = None
) -> Callable[[Json], tuple[T, ...]]:
    """Take a list whose items the check takes."""

    def check_all(value: Json) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise Unfit("must be an array")
        if len(value) < least:
            raise Unfit("must not be empty" if least == 1 else f"must have {least} items or more")
        if most is not None and len(value) > most:
            raise Unfit(f"must have at most {most} items")
        return tuple(_item(check, position, item) for position, item in enumerate(value))

    return check_all


def _item(check: Callable[[Json], T], position: int, item: Json) -> T:
    try:
        return check(item)
    except Unfit as unfit:
        raise Unfit(f"[{position}] {unfit}") from None
