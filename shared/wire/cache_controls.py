"""What a request may say about the response cache: LiteLLM's `cache: {…}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from shared.controls import CacheControl
from shared.wire import checks
from shared.wire.checks import Unfit

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.domain import Json, JsonObject

T = TypeVar("T")

MAX_SECONDS: Final = 365 * 86_400
_NAMES: Final = frozenset(
    {"no-cache", "no-store", "use-cache", "ttl", "s-maxage", "s-max-age", "namespace"}
)


def cache_control(value: Json) -> CacheControl:
    """Take the controls of one request; raise Unfit."""
    given = checks.mapping(value)
    for name in given:
        if name not in _NAMES:
            raise Unfit(f"has no control named {name[: checks.MAX_NAME]!r}")
    max_age = _read(given, "s-maxage", _seconds)
    return CacheControl(
        no_cache=_read(given, "no-cache", checks.flag) or False,
        no_store=_read(given, "no-store", checks.flag) or False,
        use_cache=_read(given, "use-cache", checks.flag) or False,
        ttl=_read(given, "ttl", _seconds),
        max_age=_read(given, "s-max-age", _seconds) if max_age is None else max_age,
        namespace=_read(given, "namespace", checks.name),
        asked=tuple(given),
    )


def _read(given: JsonObject, name: str, check: Callable[[Json], T]) -> T | None:
    value = given.get(name)
    if value is None:
        return None
    try:
        return check(value)
    except Unfit as unfit:
        raise Unfit(f"{name} {unfit}") from None


def _seconds(value: Json) -> float:
    if not 0 <= checks.number(value) <= MAX_SECONDS:
        raise Unfit(f"must be between 0 and {MAX_SECONDS} seconds")
    return checks.number(value)
