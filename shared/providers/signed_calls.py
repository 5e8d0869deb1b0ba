"""Gemini's signature of the thoughts before a call, within the call's id: what every client keeps.

LiteLLM's form, `ID__thought__SIGNATURE` (litellm_core_utils/prompt_templates/factory.py of its
version 1.109, read 2026-11), with the letters of a base64 for URLs: Anthropic takes no others in an
id. Only Gemini is sent it back; OpenAI refuses ids of more than 40 characters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

MARK: Final = "__thought__"
KEEPERS: Final = frozenset({"gemini", "vertex_ai", "litellm_proxy"})
"""Who reads the signature out of an id."""

_FOR_IDS: Final = str.maketrans("+/", "-_", "=")
_BACK: Final = str.maketrans("-_", "+/")
_QUARTET: Final = 4


def signed_id(id_: str, signature: str) -> str:
    """Write a call's id with its signature, if it has one."""
    return f"{id_}{MARK}{signature.translate(_FOR_IDS)}" if signature else id_


def bare_id(id_: str) -> str:
    """Take the signature out of an id."""
    return id_.partition(MARK)[0]


def signature_in(id_: str) -> str:
    """Read the signature back; empty where there is none."""
    found = id_.partition(MARK)[2].translate(_BACK)
    return found + "=" * (-len(found) % _QUARTET)


def with_bare_ids(body: JsonObject) -> JsonObject:
    """Take the signatures out of all ids of a chat, or of a response's input."""
    for field in ("messages", "input"):
        items = body.get(field)
        if isinstance(items, list):
            body = {**body, field: [_bared(item) for item in items]}
    return body


def _bared(item: Json) -> Json:
    """Copy what holds a signed id, and leave the rest as it is."""
    if not isinstance(item, dict):
        return item
    for name in ("id", "tool_call_id", "call_id"):
        id_ = item.get(name)
        if isinstance(id_, str) and MARK in id_:
            item = {**item, name: bare_id(id_)}
    calls = item.get("tool_calls")
    return (
        {**item, "tool_calls": [_bared(call) for call in calls]}
        if isinstance(calls, list)
        else item
    )
