"""A chat's parameters and messages as Cohere's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.providers.functions import NO_PARAMETERS, functions_in, plain_call
from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.unsupported import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, Json, JsonObject

_TRANSLATED: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"),
        *("stop", "top_p", "top_k", "tools", "tool_choice", "parallel_tool_calls"),
        *("response_format", "reasoning_effort", "thinking"),
        # These change nothing in the answer.
        *("user", "store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
        "metadata",
    }
)
_UNKNOWN: Final = (
    *("n", "top_logprobs", "logit_bias", "prediction", "audio", "web_search_options"),
    *("functions", "function_call", "service_tier", "verbosity", "modalities"),
)
_OF_FUNCTIONS: Final = ("name", "description", "parameters")
_OF_MESSAGES: Final = ("role", "content", "tool_calls", "tool_call_id", "tool_plan", "citations")


def chat_body(call: Call, to: Deployment) -> JsonObject:
    """Translate a chat's body; raise BadRequest for what Cohere cannot do."""
    given, limits = call.body, Unsupported.by(call, to)
    limits.refuse_unless_neutral(given, _UNKNOWN)
    if given.get("parallel_tool_calls") is False and given.get("tools"):
        limits.refuse("parallel_tool_calls")
    stop, limit = given.get("stop"), given.get("max_completion_tokens")
    body: JsonObject = {
        **limits.passed_on(given, _TRANSLATED, _UNKNOWN),
        "model": to.model,
        "messages": [_written(message, limits) for message in mappings(given.get("messages"))],
        "stream": call.is_stream or None,
        "max_tokens": given.get("max_tokens") if limit is None else limit,
        "stop_sequences": [stop] if isinstance(stop, str) else stop,
        "p": given.get("top_p"),
        "k": given.get("top_k"),
        "response_format": _format(mapping(given.get("response_format"))),
        "thinking": _thinking(mapping(given.get("thinking")), given.get("reasoning_effort")),
        **_tools(given, limits),
    }
    return without_nulls(body)


def _written(message: JsonObject, limits: Unsupported) -> JsonObject:
    """Write a message without what Cohere does not know."""
    role = "system" if message.get("role") == "developer" else message.get("role")
    kept = {name: message[name] for name in _OF_MESSAGES if message.get(name) is not None}
    if isinstance(kept.get("content"), list):
        kept["content"] = [*filter(None, (_part(p, limits) for p in mappings(kept["content"])))]
    if calls := mappings(kept.get("tool_calls")):
        kept["tool_calls"] = [*map(plain_call, calls)]
    return {**kept, "role": role}


def _part(part: JsonObject, limits: Unsupported) -> JsonObject | None:
    kind = text(part.get("type"))
    if kind in ("text", "input_text", "output_text"):
        return {"type": "text", "text": part.get("text")}
    if kind in ("image_url", "document", "thinking"):
        return {name: value for name, value in part.items() if name != "cache_control"}
    limits.refuse("messages.content", f"content of type '{kind}'")
    return None


def _format(asked: JsonObject) -> JsonObject | None:
    match asked:
        case {"type": "json_schema", "json_schema": {"schema": dict() as schema}}:
            return {"type": "json_object", "json_schema": schema}
        case {"type": "json_object"}:
            return {"type": "json_object"}
        case _:
            return None


def _thinking(asked: JsonObject, effort: Json) -> JsonObject | None:
    if asked:
        kind = "disabled" if asked.get("type") == "disabled" else "enabled"
        return without_nulls({"type": kind, "token_budget": asked.get("budget_tokens")})
    if not isinstance(effort, str):
        return None
    return {"type": "disabled" if effort == "none" else "enabled"}


def _tools(given: Mapping[str, Json], limits: Unsupported) -> JsonObject:
    """Translate tools; a choice of one tool leaves only that to be called."""
    tools = functions_in(given.get("tools"), limits)
    match given.get("tool_choice"):
        case "required":
            choice = "REQUIRED"
        case "none":
            choice = "NONE"
        case {"type": "function", "function": {"name": str(name)}}:
            choice = "REQUIRED"
            tools = [t for t in tools if mapping(t.get("function")).get("name") == name]
        case None | "auto":
            choice = None
        case _:
            limits.refuse("tool_choice", "this kind of tool_choice")
            choice = None
    if not tools:
        return {}
    is_strict = all(mapping(t.get("function")).get("strict") is True for t in tools)
    plain: list[Json] = [_tool(mapping(tool.get("function"))) for tool in tools]
    return {"tools": plain, "tool_choice": choice, "strict_tools": is_strict or None}


def _tool(function: JsonObject) -> JsonObject:
    kept = {name: function[name] for name in _OF_FUNCTIONS if function.get(name) is not None}
    return {"type": "function", "function": {"parameters": NO_PARAMETERS, **kept}}
