"""A chat's parameters in Anthropic's words.

By platform.claude.com/docs/en/api/messages, …/build-with-claude/structured-outputs and …/effort,
read 2026-11. What this module does not know goes out as it came: Anthropic's own parameters may be
given to a chat as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.providers.anthropic.parts import turns
from shared.providers.functions import NO_PARAMETERS
from shared.providers.mending import ANY_TOOL, lacks_tools, mended
from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.reasoning import claudes_thinking
from shared.providers.strict_schema import fitted
from shared.providers.unsupported import Unsupported

if TYPE_CHECKING:
    from shared.domain import Call, Deployment, Json, JsonObject

MAX_TOKENS: Final = 4096
"""What is allowed where nobody says, as in LiteLLM: Anthropic must be told something."""

_TRANSLATED: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"),
        *("stop", "tools", "tool_choice", "parallel_tool_calls", "response_format"),
        *("reasoning_effort", "thinking", "user", "service_tier"),
        # These change nothing in the answer.
        *("store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
    }
)
_UNKNOWN: Final = (
    *("n", "logprobs", "top_logprobs", "logit_bias", "frequency_penalty", "presence_penalty"),
    *("seed", "prediction", "audio", "web_search_options", "functions", "function_call"),
    *("modalities", "verbosity"),
)
_JSON_ONLY: Final = "Answer with one JSON object and nothing else, without a code fence."


def messages_body(call: Call, to: Deployment) -> JsonObject:
    """Translate a chat's body; raise BadRequest for what Anthropic cannot do."""
    limits = Unsupported.by(call, to)
    given = mended(call.body, to, limits)
    limits.refuse_unless_neutral(given, _UNKNOWN)
    system, conversation = turns(given.get("messages"), limits)
    body: JsonObject = {
        **limits.passed_on(given, _TRANSLATED, _UNKNOWN),
        "model": to.model,
        "max_tokens": _limit(given, to),
        "messages": [*conversation],
    }
    if mapping(given.get("response_format")).get("type") == "json_object":
        system.append({"type": "text", "text": _JSON_ONLY})
    if call.is_stream:
        body["stream"] = True
    if system:
        body["system"] = [*system]
    if stop := _stop(given.get("stop")):
        body["stop_sequences"] = [*stop]
    if user := text(given.get("user")):
        body["metadata"] = {"user_id": user}
    thinking, effort = claudes_thinking(given, to.model, body["max_tokens"], limits)
    body["thinking"] = thinking
    body["output_config"] = _config(given, effort)
    _add_tools(body, given, limits)
    match given.get("service_tier"):
        case None | "auto":
            pass
        case "default" | "standard_only":
            body["service_tier"] = "standard_only"
        case other:
            limits.refuse("service_tier", f"the service tier '{other}'")
    return without_nulls(body)


def _config(given: JsonObject, effort: str | None) -> JsonObject | None:
    config = {"effort": effort, **mapping(given.get("output_config"))}
    match mapping(given.get("response_format")):
        case {"type": "json_schema", "json_schema": {"schema": dict() as schema}}:
            config["format"] = {"type": "json_schema", "schema": fitted(schema)}
        case _:
            pass
    return without_nulls(config) or None


def _limit(given: JsonObject, to: Deployment) -> int:
    for name in ("max_completion_tokens", "max_tokens"):
        asked = given.get(name)
        if isinstance(asked, int):
            return asked
    return to.max_output_tokens or MAX_TOKENS


def _stop(value: Json) -> list[str]:
    given = [value] if isinstance(value, str) else value if isinstance(value, list) else []
    return [item for item in given if isinstance(item, str) and item]


def _add_tools(body: JsonObject, given: JsonObject, limits: Unsupported) -> None:
    # Anthropic refuses calls of tools that are not declared, so LiteLLM always declares one.
    declared: Json = [ANY_TOOL] if lacks_tools(given) else given.get("tools")
    tools = [tool for t in mappings(declared) if (tool := _tool(t, limits))]
    if not tools:
        return
    body["tools"] = [*tools]
    choice = _choice(given.get("tool_choice"), limits)
    if given.get("parallel_tool_calls") is False and choice != {"type": "none"}:
        choice = {**(choice or {"type": "auto"}), "disable_parallel_tool_use": True}
    if choice:
        body["tool_choice"] = choice


def _tool(tool: JsonObject, limits: Unsupported) -> JsonObject | None:
    match tool:
        case {"type": "function", "function": dict() as function}:
            schema = mapping(function.get("parameters")) or NO_PARAMETERS
            is_strict = function.get("strict") is True
            return without_nulls(
                {
                    "name": function.get("name"),
                    "description": function.get("description"),
                    "input_schema": fitted(schema) if is_strict else schema,
                    "strict": is_strict or None,
                    "cache_control": tool.get("cache_control") or function.get("cache_control"),
                }
            )
        case {"type": str(kind), "name": _} if kind != "custom":
            return tool  # one of Anthropic's own, such as web_search_20250305
        case _:
            limits.refuse("tools", f"tools of type '{tool.get('type')}'")
            return None


def _choice(value: Json, limits: Unsupported) -> JsonObject | None:
    match value:
        case None:
            return None
        case "auto" | "none":
            return {"type": value}
        case "required":
            return {"type": "any"}
        case {"type": "function", "function": {"name": str(name)}}:
            return {"type": "tool", "name": name}
        case _:
            limits.refuse("tool_choice", "this kind of tool_choice")
            return None
