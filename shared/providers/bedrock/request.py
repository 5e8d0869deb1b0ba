"""A chat's parameters as Converse's.

By docs.aws.amazon.com/bedrock/latest/APIReference (Converse, OutputFormat), read 2026-11.
What is only a model's own goes into `additionalModelRequestFields`, as LiteLLM does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.bedrock.parts import cache_point, conversation
from shared.providers.mending import lacks_tools, mended
from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.unsupported import Unsupported, unfit

if TYPE_CHECKING:
    from shared.domain import Call, Deployment, Json, JsonObject

_TRANSLATED: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"),
        *("stop", "temperature", "top_p", "tools", "tool_choice", "parallel_tool_calls"),
        *("response_format", "reasoning_effort", "thinking", "output_config", "service_tier"),
        # These change nothing in the answer.
        *("user", "store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
    }
)
_UNKNOWN: Final = (
    *("n", "logprobs", "top_logprobs", "logit_bias", "frequency_penalty", "presence_penalty"),
    *("seed", "prediction", "audio", "web_search_options", "functions", "function_call"),
    *("modalities", "verbosity"),
)
_CONVERSES: Final = (
    *("guardrailConfig", "performanceConfig", "requestMetadata", "promptVariables"),
    *("additionalModelResponseFieldPaths", "additionalModelRequestFields", "serviceTier"),
)
_BUDGETS: Final = {"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192}
_LEAST_BUDGET: Final = 1024
_OBEYS: Final = re.compile(r"claude-[a-z]+-(?:4-[5-9]|[5-9])(?!\d)")
"""Who takes `disable_parallel_tool_use` by Converse: Claude since 4.5."""


def converse_body(call: Call, to: Deployment) -> JsonObject:
    """Translate a chat's body; raise BadRequest for what Converse cannot do."""
    limits = Unsupported.by(call, to)
    given = mended(call.body, to, limits)
    if lacks_tools(given):
        raise unfit(
            "tools", "must declare the tools that were called, or set `modify_params: true`"
        )
    limits.refuse_unless_neutral(given, _UNKNOWN)
    system, messages = conversation(given.get("messages"), limits)
    stop, limit = given.get("stop"), given.get("max_completion_tokens")
    asked = given.get("max_tokens") if limit is None else limit
    effort = given.get("reasoning_effort")
    own: JsonObject = {
        **mapping(given.get("additionalModelRequestFields")),
        **limits.passed_on(given, {*_TRANSLATED, *_CONVERSES}, _UNKNOWN),
        "thinking": given.get("thinking") or _thinking(effort, asked, limits),
        "output_config": given.get("output_config"),
    }
    if (alone := _one_tool_at_a_time(given, to.model)) is not None:
        own["tool_choice"] = alone
    inference: JsonObject = {
        "maxTokens": asked or to.max_output_tokens,
        "temperature": given.get("temperature"),
        "topP": given.get("top_p"),
        "stopSequences": [stop] if isinstance(stop, str) else stop,
    }
    tier = text(given.get("service_tier"))
    body: JsonObject = {
        **{name: given.get(name) for name in _CONVERSES},
        "messages": [*messages],
        "system": system or None,
        "inferenceConfig": without_nulls(inference) or None,
        "additionalModelRequestFields": without_nulls(own) or None,
        "outputConfig": _format(mapping(given.get("response_format")), limits),
        "toolConfig": _tools(given, limits),
        "serviceTier": {"type": tier} if tier and tier != "auto" else given.get("serviceTier"),
    }
    return without_nulls(body)


def _one_tool_at_a_time(given: JsonObject, model: str) -> JsonObject | None:
    """Translate `parallel_tool_calls: false` for Claude; the others cannot be kept from it.

    Agents say it to everybody, so there it is left out, as LiteLLM does. Of `type` only one of
    this and `toolChoice` may speak (LiteLLM's converse_transformation.py, 1.106, read 2026-11).
    """
    is_wanted = given.get("parallel_tool_calls") is False and given.get("tools")
    if not is_wanted or given.get("tool_choice") == "none" or not _OBEYS.search(model):
        return None
    kind: JsonObject = {} if given.get("tool_choice") else {"type": "auto"}
    return {**kind, "disable_parallel_tool_use": True}


def _thinking(effort: Json, limit: Json, limits: Unsupported) -> JsonObject | None:
    """Translate an effort to a budget, within the limit that is the caller's."""
    if not isinstance(effort, str) or effort == "none":
        return None
    most = limit - 1 if isinstance(limit, int) else _BUDGETS["xhigh"]
    budget = min(_BUDGETS.get(effort, _LEAST_BUDGET), most)
    if budget < _LEAST_BUDGET:
        limits.refuse("reasoning_effort", f"thinking within max_tokens={limit}")
        return None
    return {"type": "enabled", "budget_tokens": budget}


def _format(asked: JsonObject, limits: Unsupported) -> JsonObject | None:
    match asked:
        case {"type": "json_schema", "json_schema": {"schema": dict() as schema}}:
            name = mapping(asked["json_schema"]).get("name") or "answer"
            described: JsonObject = {"name": name, "schema": orjson.dumps(schema).decode()}
            structure: JsonObject = {"jsonSchema": described}
            return {"textFormat": {"type": "json_schema", "structure": structure}}
        case {"type": "json_object"}:
            limits.refuse("response_format", "JSON without a schema")
            return None
        case _:
            return None


def _tools(given: JsonObject, limits: Unsupported) -> JsonObject | None:
    tools: list[Json] = []
    for tool in mappings(given.get("tools")):
        if tool.get("type") != "function":
            limits.refuse("tools", f"tools of type '{tool.get('type')}'")
            continue
        function = mapping(tool.get("function"))
        empty: JsonObject = {"type": "object", "properties": {}}
        schema: JsonObject = {"json": function.get("parameters") or empty}
        spec: JsonObject = {
            "name": function.get("name"),
            "description": function.get("description"),
            "inputSchema": schema,
            "strict": function.get("strict") or None,
        }
        made: JsonObject = {"toolSpec": without_nulls(spec)}
        tools += [made, *cache_point(tool)]
    # Converse knows no way to forbid tools but to have none.
    if not tools or given.get("tool_choice") == "none":
        return None
    return without_nulls({"tools": tools, "toolChoice": _choice(given.get("tool_choice"), limits)})


def _choice(value: Json, limits: Unsupported) -> JsonObject | None:
    match value:
        case None:
            return None
        case "auto":
            return {"auto": {}}
        case "required":
            return {"any": {}}
        case {"type": "function", "function": {"name": str(name)}}:
            return {"tool": {"name": name}}
        case _:
            limits.refuse("tool_choice", "this kind of tool_choice")
            return None
