"""A chat's parameters as Converse's.

By docs.aws.amazon.com/bedrock/latest/APIReference (Converse, OutputFormat), read 2026-11.
What is only a model's own goes into `additionalModelRequestFields`, as LiteLLM does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.bedrock.parts import cache_point, conversation
from shared.providers.functions import NO_PARAMETERS
from shared.providers.mending import lacks_tools, mended
from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.reasoning import claudes_thinking
from shared.providers.strict_schema import fitted
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
_NOVAS_EFFORTS: Final = {"minimal": "low", "xhigh": "high", "max": "high"}
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
    own: JsonObject = {
        **mapping(given.get("additionalModelRequestFields")),
        **limits.passed_on(given, {*_TRANSLATED, *_CONVERSES}, _UNKNOWN),
        **_thinking(given, to, asked, limits),
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


def _thinking(given: JsonObject, to: Deployment, most: Json, limits: Unsupported) -> JsonObject:
    """Say how hard to think in the words of the model's maker."""
    config = dict(mapping(given.get("output_config")))
    effort, model = text(given.get("reasoning_effort")), to.model
    match model:
        case _ if not effort and not given.get("thinking"):
            told: JsonObject = {}
        case _ if "gpt-oss" in model or "deepseek" in model:
            told = {"reasoning_effort": effort or None}
        case _ if "openai." in model:
            told = {"reasoning": {"effort": effort} if effort else None}
        case _ if "nova-2" in model:
            told = {"reasoningConfig": _novas(effort) if effort else None}
        case _ if "claude" in model or "arn:" in model or given.get("thinking"):
            thinking, effort = claudes_thinking(given, model, most, limits)
            config = {"effort": effort, **config} if effort else config
            told = {"thinking": thinking}
        case _:
            limits.refuse("reasoning_effort")
            told = {}
    return {**told, "output_config": config or None}


def _novas(effort: str) -> JsonObject:
    if effort == "none":
        return {"type": "disabled"}
    return {"type": "enabled", "maxReasoningEffort": _NOVAS_EFFORTS.get(effort, effort)}


def _format(asked: JsonObject, limits: Unsupported) -> JsonObject | None:
    match asked:
        case {"type": "json_schema", "json_schema": {"schema": dict() as schema}}:
            name = mapping(asked["json_schema"]).get("name") or "answer"
            described: JsonObject = {"name": name, "schema": orjson.dumps(fitted(schema)).decode()}
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
        is_strict = function.get("strict") is True
        given_schema = mapping(function.get("parameters")) or NO_PARAMETERS
        schema: JsonObject = {"json": fitted(given_schema) if is_strict else given_schema}
        spec: JsonObject = {
            "name": function.get("name"),
            "description": function.get("description"),
            "inputSchema": schema,
            "strict": is_strict or None,
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
