"""A call's parameters before a dialect sees them: defaults laid beneath, and what is never sent.

The paths of `additional_drop_params` are LiteLLM's (litellm_core_utils/dot_notation_indexing.py of
its version 1.109, read 2026-11): `field`, `parent.child`, `tools[*].field`, `tools[0].field`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.domain import Endpoint
from shared.providers.signed_calls import KEEPERS, with_bare_ids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Call, Deployment, Json, JsonObject

_STEP: Final = re.compile(r"\[(\*|\d+)\]|[^.\[]+")
_KEPT: Final = frozenset({"model", "messages", "stream"})
_LIMITS: Final = ("max_tokens", "max_completion_tokens")
_GENERATING: Final = frozenset({Endpoint.CHAT, Endpoint.COMPLETION})


def prepared(call: Call, to: Deployment) -> Call:
    """Return the call as one deployment is to be put it."""
    handling = call.handling | to.handling
    body = with_defaults(call, to) if to.defaults else dict(call.body)
    for path in handling.additional_drop_params:
        body = _without(body, path)
    if to.provider not in KEEPERS:
        body = with_bare_ids(body)
    return replace(call, body=body, handling=handling)


def with_defaults(call: Call, to: Deployment) -> JsonObject:
    """Lay a call's parameters over those of its deployment, which are a chat's."""
    if call.endpoint not in _GENERATING:
        return dict(call.body)
    names_limit = any(call.body.get(name) is not None for name in _LIMITS)
    beneath = {k: v for k, v in to.defaults.items() if not (names_limit and k in _LIMITS)}
    given = {name: value for name, value in call.body.items() if value is not None}
    return {**beneath, **given}


def _without(body: JsonObject, path: str) -> JsonObject:
    steps = [found[0] for found in _STEP.finditer(path)]
    if not steps or steps[0] in _KEPT:
        return body
    left = _cut(body, steps)
    return left if isinstance(left, dict) else body


def _cut(value: Json, steps: Sequence[str]) -> Json:
    """Copy a value without what the steps lead to; a list keeps its items."""
    step, rest = steps[0], steps[1:]
    match value:
        case dict() if not rest:
            return {name: inner for name, inner in value.items() if name != step}
        case dict() if step in value:
            return {**value, step: _cut(value[step], rest)}
        case list() if rest and step.startswith("["):
            index = step[1:-1]
            return [
                _cut(item, rest) if index in ("*", str(position)) else item
                for position, item in enumerate(value)
            ]
        case _:
            return value
