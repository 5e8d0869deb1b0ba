"""The fallbacks that a request brings along, in all of LiteLLM's forms.

`["b", "c"]` asks b, then c; `[{"model": "b", "messages": [...]}]` asks b with messages of its own;
of `[{"a": ["b", "c"]}, {"*": ["d"]}]` only what is for the model that is asked for counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from shared.wire import checks
from shared.wire.checks import Unfit, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from shared.domain import Json

MAX_FALLBACKS: Final = 100
ANY_MODEL: Final = "*"

_MESSAGES: Final = listed(checks.mapping, least=1)
_NAMES: Final = listed(checks.name, most=MAX_FALLBACKS)


@dataclass(frozen=True, slots=True)
class Fallback:
    """One model to ask, and with which messages (JSON) if not the call's own."""

    name: str
    messages: bytes | None = None


def fallbacks_for(model: Json) -> Callable[[Json], tuple[Fallback, ...]]:
    """Return the check of a list of fallbacks for that model."""

    def check(value: Json) -> tuple[Fallback, ...]:
        items = listed(_either, most=MAX_FALLBACKS)(value)
        own: list[Fallback] = []
        for item in items:
            for target in item if isinstance(item, tuple) else (item,):
                own += _chosen(target, model) if isinstance(target, _Chain) else [target]
        return tuple(own)

    return check


def names_of(fallbacks: Sequence[Fallback] | None) -> tuple[str, ...] | None:
    """List their names."""
    return None if fallbacks is None else tuple(each.name for each in fallbacks)


@dataclass(frozen=True, slots=True)
class _Chain:
    """What is asked after one model."""

    model: str
    names: tuple[str, ...]


def _chosen(chain: _Chain, model: Json) -> list[Fallback]:
    is_meant = chain.model in (model, ANY_MODEL)
    return [Fallback(name) for name in chain.names] if is_meant else []


def _either(value: Json) -> Fallback | tuple[_Chain, ...]:
    if isinstance(value, str):
        return Fallback(checks.name(value))
    if not isinstance(value, dict) or not value:
        raise Unfit("must be the name of a model")
    if isinstance(value.get("model"), str):
        return _with_messages(value)
    return tuple(_Chain(model, _targets(names)) for model, names in value.items())


def _with_messages(value: dict[str, Json]) -> Fallback:
    for field in value:
        if field not in {"model", "messages"}:
            raise Unfit(f"may hold model and messages, not {field[: checks.MAX_NAME]!r}")
    name = checks.name(value["model"])
    if value.get("messages") is None:
        return Fallback(name)
    _MESSAGES(value["messages"])
    return Fallback(name, orjson.dumps(value["messages"]))


def _targets(value: Json) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Unfit("must be the name of a model")
    return _NAMES(value)
