"""Functions and calls of a chat for vendors that answer 4xx to a field they do not know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.providers.reading import mapping, mappings

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject
    from shared.providers.unsupported import Unsupported

NO_PARAMETERS: Final[JsonObject] = {"type": "object", "properties": {}}
"""What a function takes that says nothing of it, as OpenAI reads it."""


def functions_in(tools: Json, limits: Unsupported) -> list[JsonObject]:
    """List the tools that are functions; refuse those of other kinds."""
    found: list[JsonObject] = []
    for tool in mappings(tools):
        if tool.get("type", "function") == "function" and "function" in tool:
            found.append(tool)
        else:
            limits.refuse("tools", f"tools of type '{tool.get('type')}'")
    return found


def plain_call(call: JsonObject) -> JsonObject:
    """Write a call of a function without what a stream or another vendor added to it."""
    function = mapping(call.get("function"))
    return {
        "id": call.get("id"),
        "type": "function",
        "function": {"name": function.get("name"), "arguments": function.get("arguments") or "{}"},
    }
