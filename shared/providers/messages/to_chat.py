"""A Messages request as a chat.

What only tunes Anthropic's own service is left behind (context management, speed, tiers); what
changes the answer and cannot be said in a chat is refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.providers.messages.turns import chat_messages
from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.reasoning import effort_of, takes_effort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Deployment, Json, JsonObject
    from shared.providers.unsupported import Unsupported

_THINKING: Final = frozenset({"enabled", "adaptive"})
_SAME: Final = ("temperature", "top_p", "top_k", "stream")
_REFUSED: Final = ("mcp_servers", "container")


def chat_body(
    given: Mapping[str, Json], to: Deployment, limits: Unsupported, *, is_rich: bool
) -> JsonObject:
    """Translate a body; raise BadRequest for what a chat cannot say."""
    limits.refuse_unless_neutral(given, _REFUSED)
    config = mapping(given.get("output_config"))
    thinking = mapping(given.get("thinking"))
    may_think = takes_effort(to, is_rich=is_rich)
    is_asked = is_rich and may_think
    effort = _effort(thinking, text(config.get("effort")))
    body: JsonObject = {
        "messages": [*chat_messages(given, limits, is_rich=is_rich)],
        # Every dialect knows the newer name, and which of its vendors know only the older.
        "max_completion_tokens": given.get("max_tokens"),
        **{name: given.get(name) for name in _SAME},
        "stop": given.get("stop_sequences") or None,
        # `output_format` is its name of the beta, which SDKs still send.
        "response_format": _format(mapping(config.get("format") or given.get("output_format"))),
        "thinking": thinking if is_asked and text(thinking.get("type")) in _THINKING else None,
        **_tools(given, limits, is_rich=is_rich),
    }
    is_told = thinking.get("type") == "enabled" and is_rich
    if not is_told and may_think:
        body["reasoning_effort"] = effort
    return without_nulls(body)


def _effort(thinking: JsonObject, effort: str) -> str | None:
    """Say how hard to think: an effort as it is, a budget by LiteLLM's steps."""
    if thinking.get("type") == "disabled":
        return None
    if effort:
        return "high" if effort in {"xhigh", "max"} else effort
    return effort_of(thinking.get("budget_tokens"))


def _format(asked: JsonObject) -> JsonObject | None:
    schema = asked.get("schema")
    if asked.get("type") != "json_schema" or not isinstance(schema, dict):
        return None
    described: JsonObject = {"name": "answer", "schema": schema, "strict": _is_strict(schema)}
    return {"type": "json_schema", "json_schema": described}


def _is_strict(schema: Json) -> bool:
    """Tell whether OpenAI would take a schema as strict: nothing optional, nothing added."""
    match schema:
        case {"type": "object", "properties": dict() as properties}:
            required = schema.get("required")
            is_closed = schema.get("additionalProperties") is False
            all_required = isinstance(required, list) and set(map(str, required)) == set(properties)
            return is_closed and all_required and all(map(_is_strict, properties.values()))
        case {"items": items}:
            return _is_strict(items)
        case _:
            return True


def _tools(given: Mapping[str, Json], limits: Unsupported, *, is_rich: bool) -> JsonObject:
    found: list[Json] = []
    for tool in mappings(given.get("tools")):
        if tool.get("type") is not None and tool.get("type") != "custom":
            limits.refuse("tools", f"tools of type '{tool.get('type')}'")
            continue
        function = without_nulls(
            {
                "name": tool.get("name"),
                "description": tool.get("description"),
                "parameters": tool.get("input_schema"),
                "strict": tool.get("strict"),
            }
        )
        marks = {"cache_control": tool.get("cache_control") if is_rich else None}
        found.append(without_nulls({"type": "function", "function": function, **marks}))
    if not found:
        return {}
    choice = mapping(given.get("tool_choice"))
    is_single = choice.get("disable_parallel_tool_use") is True
    return {
        "tools": found,
        "tool_choice": _choice(choice),
        "parallel_tool_calls": False if is_single else None,
    }


def _choice(choice: JsonObject) -> Json:
    match choice:
        case {"type": "any"}:
            return "required"
        case {"type": "tool", "name": str(name)}:
            return {"type": "function", "function": {"name": name}}
        case {"type": ("auto" | "none") as plain}:
            return plain
        case _:
            return None
