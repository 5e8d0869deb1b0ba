"""Mend a conversation that a vendor would refuse, where `modify_params` allows it.

What is mended, and how, is LiteLLM's (litellm_core_utils/prompt_templates/factory.py of its version
1.109, read 2026-11): a user begins, each call of a tool has its result and each result its call,
tools that were called are declared, and thinking that cannot go on is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.providers.reading import mapping, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.domain import Deployment, Json, JsonObject
    from shared.providers.unsupported import Unsupported

ANY_TOOL: Final[JsonObject] = {
    "type": "function",
    "function": {
        "name": "dummy_tool",
        "description": "Stands for the tools that were called before. Never call it.",
        "parameters": {"type": "object", "properties": {}},
    },
}
_BEGINNING: Final[JsonObject] = {"role": "user", "content": "."}
_NO_RESULT: Final = "The tool gave no result."
_LIMITS: Final = ("max_tokens", "max_completion_tokens")
_THINKING: Final = ("thinking", "reasoning_effort")


def mended(body: Mapping[str, Json], to: Deployment, limits: Unsupported) -> JsonObject:
    """Return a chat's body as it is, or mended where that is allowed."""
    if not limits.handling.modify_params:
        return dict(body)
    messages = _begun(_paired(mappings(body.get("messages"))))
    found: JsonObject = {**body, "messages": [*messages]}
    if lacks_tools(found):
        found["tools"] = [ANY_TOOL]
    if _cannot_think_on(messages):
        found = {name: value for name, value in found.items() if name not in _THINKING}
    most = to.max_output_tokens
    for name in _LIMITS:
        limit = found.get(name)
        if most and isinstance(limit, int) and limit > most:
            found[name] = most
    return found


def lacks_tools(body: Mapping[str, Json]) -> bool:
    """Tell whether tools were called that are not declared."""
    messages = mappings(body.get("messages"))
    were_called = any(m.get("tool_calls") or m.get("role") == "tool" for m in messages)
    return were_called and not body.get("tools")


def _begun(messages: list[JsonObject]) -> list[JsonObject]:
    """Let a user begin."""
    for position, message in enumerate(messages):
        if message.get("role") in ("system", "developer"):
            continue
        if message.get("role") == "user":
            return messages
        return [*messages[:position], _BEGINNING, *messages[position:]]
    return [*messages, _BEGINNING]


def _paired(messages: Iterable[JsonObject]) -> list[JsonObject]:
    """Give each call its result, and leave out results of calls that nobody made."""
    found: list[JsonObject] = []
    open_calls: list[str] = []
    for message in messages:
        if message.get("role") == "tool":
            called = text(message.get("tool_call_id"))
            if called in open_calls:
                open_calls.remove(called)
                found.append(message)
            continue
        found += map(_without_result, open_calls)
        calls = mappings(message.get("tool_calls"))
        open_calls = [text(call.get("id")) for call in calls]
        found.append(message)
    return [*found, *map(_without_result, open_calls)]


def _without_result(call_id: str) -> JsonObject:
    return {"role": "tool", "tool_call_id": call_id, "content": _NO_RESULT}


def _cannot_think_on(messages: list[JsonObject]) -> bool:
    """Tell whether the last call of a tool was made without the thinking that goes before it."""
    answers = [m for m in messages if mapping(m).get("role") == "assistant"]
    last = answers[-1] if answers else {}
    return bool(last.get("tool_calls")) and not last.get("thinking_blocks")
