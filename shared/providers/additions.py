"""What LiteLLM adds to OpenAI's messages, taken out for those who do not know it.

Marks for caching, signed thinking and fields of one vendor travel with a conversation from model to
model; OpenAI and most who speak as it does answer 400 to fields that they do not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

_ADDED: Final = frozenset({"cache_control", "thinking_blocks", "provider_specific_fields"})
_THOUGHTS: Final = frozenset({"reasoning_content", "reasoning"})


def plain_chat(body: JsonObject, *, is_strict: bool) -> None:
    """Take additions out of a chat's messages and tools; `is_strict`: thoughts as well."""
    added = _ADDED | _THOUGHTS if is_strict else _ADDED
    for field in ("messages", "tools"):
        items = body.get(field)
        if isinstance(items, list):
            body[field] = [_plain(item, added) for item in items]


def _plain(item: Json, added: frozenset[str]) -> Json:
    """Copy a message or a tool only if there is something to take out."""
    if not isinstance(item, dict):
        return item
    if added & item.keys():
        item = {name: value for name, value in item.items() if name not in added}
    for field in ("content", "tool_calls", "function"):
        inner = item.get(field)
        if isinstance(inner, list):
            kept = [_plain(part, added) for part in inner]
            item = {**item, field: kept} if kept != inner else item
        elif isinstance(inner, dict) and added & inner.keys():
            item = {**item, field: _plain(inner, added)}
    return item
