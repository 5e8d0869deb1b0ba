"""Which calls share an answer: those whose keys are equal.

A key hashes everything that may change the answer, and whose it is. What only says for whom or
for what a call is made (`user`, `metadata`) does not count; nor do retries and timeouts.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Json, Principal

Tenant = tuple[str, str]

EVERYBODY: Final[Tenant] = ("everybody", "")
FORMAT: Final = 2
"""Counts up when entries change shape, so that no release reads another's."""

_SAME_ANSWER: Final = frozenset({"model", "user", "metadata", "store", "safety_identifier"})
_TELLING: Final = frozenset({"anthropic-beta", "anthropic-version"})
_INPUT: Final = "input"


def tenant_of(principal: Principal) -> Tenant:
    """Say whose answers a principal shares: its team's, else its user's, else its key's own."""
    key = principal.key
    if key.team_id is not None:
        return "team", key.team_id
    if key.user_id is not None and not principal.is_master:
        return "user", key.user_id
    return "key", key.entity_id


def call_key(call: Call, group: str, tenant: Tenant, namespace: str) -> str:
    """Name the answer to a whole call; `group` is the model after aliases.

    The call's tags count as well: those who do not route by them take them off.
    """
    return _digest(_about(call, group, tenant, namespace), _told(call.body))


def input_keys(call: Call, group: str, tenant: Tenant, namespace: str) -> list[str]:
    """Name the embedding of each of a call's inputs."""
    body = _told(call.body)
    body.pop(_INPUT, None)
    about = _about(call, group, tenant, namespace)
    return [_digest(about, {**body, _INPUT: item}) for item in inputs_of(call)]


def inputs_of(call: Call) -> list[Json]:
    """List what is to be embedded: one text or list of tokens, or several."""
    given = call.body.get(_INPUT)
    if isinstance(given, list) and not all(type(item) is int for item in given):
        return given
    return [given]


def _about(call: Call, group: str, tenant: Tenant, namespace: str) -> Json:
    headers: Json = {name: value for name, value in call.headers.items() if name in _TELLING}
    who: list[Json] = [group, *tenant, namespace]
    own: Json = dict(call.extra_headers)
    handling = str(call.handling)
    return [FORMAT, call.endpoint.value, who, headers, own, handling, [*sorted(call.tags)]]


def _told(body: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in body.items() if name not in _SAME_ANSWER}


def _digest(about: Json, body: Json) -> str:
    # Not orjson: a body may hold whole numbers beyond 64 bits, which it refuses.
    text = json.dumps([about, body], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
