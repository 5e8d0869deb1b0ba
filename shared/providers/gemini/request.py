"""A chat's parameters in Gemini's words.

By ai.google.dev/api/generate-content, …/gemini-api/docs/thinking and …/docs/openai (how hard to
think), read 2026-11. What this module does not know goes out as it came: `safetySettings`,
`cachedContent` and their like may be given to a chat as well.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shared.providers.gemini.parts import contents
from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.unsupported import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, Json, JsonObject

_SAME: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "top_p": "topP",
    "top_k": "topK",
    "n": "candidateCount",
    "seed": "seed",
    "presence_penalty": "presencePenalty",
    "frequency_penalty": "frequencyPenalty",
}
_TRANSLATED: Final = frozenset(
    {
        *("model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens"),
        *("stop", "tools", "tool_choice", "parallel_tool_calls", "response_format"),
        *("reasoning_effort", "thinking", "modalities", "logprobs", "top_logprobs"),
        *("generationConfig", "safety_settings", *_SAME),
        # These change nothing in the answer; nor does `parallel_tool_calls: false`, which agents
        # say to everybody: Gemini cannot be kept from several calls at once.
        *("user", "store", "prompt_cache_key", "prompt_cache_retention", "safety_identifier"),
    }
)
_UNKNOWN: Final = (
    *("logit_bias", "prediction", "audio", "web_search_options", "functions", "function_call"),
    *("service_tier", "verbosity"),
)
_THIRD: Final = re.compile(r"gemini-(?:[3-9]|\d\d|(?:pro|flash|flash-lite)-latest)")
_MINIMAL: Final = re.compile(r"gemini-3(?:\.[0-6])?-flash")
"""Who thinks as little as `minimal`; the others answer 400 to it, and begin at `low`.

By docs.cloud.google.com/gemini-enterprise-agent-platform/models/thinking, read 2026-11.
"""
_LEVELS: Final = {"xhigh": "high", "max": "high"}
_BUDGETS: Final = {"none": 0, "minimal": 1_024, "low": 1_024, "medium": 8_192}
_MOST: Final = 24_576


def content_body(call: Call, to: Deployment) -> JsonObject:
    """Translate a chat's body; raise BadRequest for what Gemini cannot do."""
    given, limits = call.body, Unsupported.by(call, to)
    limits.refuse_unless_neutral(given, _UNKNOWN)
    is_third = bool(_THIRD.search(to.model))
    system, found = contents(given.get("messages"), limits, is_third=is_third)
    body: JsonObject = {
        **limits.passed_on(given, _TRANSLATED, _UNKNOWN),
        "contents": [*found],
        "systemInstruction": {"parts": [*system]} if system else None,
        "generationConfig": _generation(given, to.model, is_third=is_third),
        "safetySettings": given.get("safetySettings") or given.get("safety_settings"),
        **_tools(given, limits),
    }
    return without_nulls(body)


def _generation(given: Mapping[str, Json], model: str, *, is_third: bool) -> JsonObject:
    stop, limit = given.get("stop"), given.get("max_completion_tokens")
    modalities = given.get("modalities")
    config: JsonObject = {
        **mapping(given.get("generationConfig")),
        **{theirs: given.get(ours) for ours, theirs in _SAME.items()},
        "maxOutputTokens": given.get("max_tokens") if limit is None else limit,
        "stopSequences": [stop] if isinstance(stop, str) else stop,
        "responseLogprobs": given.get("logprobs") or None,
        "logprobs": given.get("top_logprobs"),
        "responseModalities": [str(m).upper() for m in modalities]
        if isinstance(modalities, list)
        else None,
        "thinkingConfig": _thinking(given, model, is_third=is_third),
    }
    match mapping(given.get("response_format")):
        case {"type": "json_schema", "json_schema": {"schema": dict() as schema}}:
            config |= {"responseMimeType": "application/json", "responseJsonSchema": schema}
        case {"type": "json_object"}:
            config["responseMimeType"] = "application/json"
        case _:
            pass
    return without_nulls(config)


def _thinking(given: Mapping[str, Json], model: str, *, is_third: bool) -> JsonObject | None:
    asked, effort = mapping(given.get("thinking")), text(given.get("reasoning_effort"))
    if asked and not (effort and asked.get("type") == "adaptive"):
        budget = 0 if asked.get("type") == "disabled" else asked.get("budget_tokens")
        return without_nulls({"thinkingBudget": budget, "includeThoughts": budget != 0})
    if not effort:
        return None
    if is_third:
        # It cannot be told not to think at all.
        least = "minimal" if _MINIMAL.search(model) else "low"
        level = least if effort in {"none", "minimal"} else _LEVELS.get(effort, effort)
        return {"thinkingLevel": level, "includeThoughts": effort != "none"}
    budget = _BUDGETS.get(effort, _MOST)
    return {"thinkingBudget": budget, "includeThoughts": budget > 0}


def _tools(given: Mapping[str, Json], limits: Unsupported) -> JsonObject:
    declared: list[Json] = []
    others: list[Json] = []
    for tool in mappings(given.get("tools")):
        if tool.get("type") == "function":
            function = mapping(tool.get("function"))
            made: JsonObject = {
                "name": function.get("name"),
                "description": function.get("description"),
                "parametersJsonSchema": function.get("parameters"),
            }
            declared.append(without_nulls(made))
        elif "type" in tool:
            limits.refuse("tools", f"tools of type '{tool['type']}'")
        else:
            others.append(tool)  # one of Google's own, such as {"googleSearch": {}}
    if not declared and not others:
        return {}
    functions: list[Json] = [{"functionDeclarations": declared}] if declared else []
    choice = _choice(given.get("tool_choice"), limits)
    config: JsonObject | None = {"functionCallingConfig": choice} if choice else None
    return {"tools": [*functions, *others], "toolConfig": config}


def _choice(value: Json, limits: Unsupported) -> JsonObject | None:
    match value:
        case None | "auto":
            return None
        case "none":
            return {"mode": "NONE"}
        case "required":
            return {"mode": "ANY"}
        case {"type": "function", "function": {"name": str(name)}}:
            return {"mode": "ANY", "allowedFunctionNames": [name]}
        case _:
            limits.refuse("tool_choice", "this kind of tool_choice")
            return None
