"""A generateContent request as a chat, by ai.google.dev/api/generate-content, read 2026-11.

Google's JSON takes names in both cases, so both are read. What only tunes Google's own service is
left behind (safety settings, labels, media resolution); what changes the answer and cannot be said
in a chat is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shared.providers.content.schema import json_schema
from shared.providers.content.turns import chat_messages
from shared.providers.reading import mapping, mappings, text, without_nulls
from shared.providers.reasoning import effort_of, takes_effort

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Deployment, Json, JsonObject
    from shared.providers.unsupported import Unsupported

_SAME: Final[Mapping[str, str]] = {
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "candidateCount": "n",
    "maxOutputTokens": "max_completion_tokens",
    "stopSequences": "stop",
    "seed": "seed",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "logprobs": "top_logprobs",
}
_REFUSED: Final = ("cachedContent",)
_REFUSED_CONFIG: Final = ("speechConfig", "imageConfig")
_HUMP: Final = re.compile(r"_([a-z])")


def chat_body(
    given: Mapping[str, Json], to: Deployment, limits: Unsupported, *, is_rich: bool
) -> JsonObject:
    """Translate a body; raise BadRequest for what a chat cannot say."""
    asked = humped(given)
    config = humped(mapping(asked.get("generationConfig")))
    limits.refuse_unless_neutral(asked, _REFUSED)
    limits.refuse_unless_neutral(config, _REFUSED_CONFIG)
    _refuse_modalities(config, limits)
    reasons = takes_effort(to, is_rich=is_rich)
    body: JsonObject = {
        "messages": [*chat_messages(asked, limits, is_rich=is_rich)],
        "stream": asked.get("stream"),
        **{ours: config.get(theirs) for theirs, ours in _SAME.items()},
        "stop": config.get("stopSequences") or None,
        "logprobs": config.get("responseLogprobs") or None,
        "response_format": _format(config),
        "reasoning_effort": _effort(humped(mapping(config.get("thinkingConfig"))))
        if reasons
        else None,
        **_tools(asked, limits),
    }
    return without_nulls(body)


def humped(given: Mapping[str, Json]) -> JsonObject:
    """Write an object's names as Google's documentation does: `topP` for `top_p`."""
    return {_HUMP.sub(lambda found: found[1].upper(), name): v for name, v in given.items()}


def _refuse_modalities(config: JsonObject, limits: Unsupported) -> None:
    wanted = config.get("responseModalities")
    if isinstance(wanted, list) and set(map(str, wanted)) - {"TEXT", "text"}:
        limits.refuse("generationConfig.responseModalities", "answers other than text")


def _effort(thinking: JsonObject) -> str | None:
    """Say how hard to think: a level as it is, a budget by LiteLLM's steps."""
    level, budget = text(thinking.get("thinkingLevel")).lower(), thinking.get("thinkingBudget")
    if level:
        return level.removeprefix("thinking_level_")
    return effort_of(budget)  # 0: not at all, -1: as the model sees fit


def _format(config: JsonObject) -> JsonObject | None:
    if text(config.get("responseMimeType")) != "application/json":
        return None
    schema = next(
        (
            config[name]
            for name in ("responseJsonSchema", "_responseJsonSchema", "ResponseJsonSchema")
            if isinstance(config.get(name), dict)
        ),
        None,
    )
    if schema is None and isinstance(found := config.get("responseSchema"), dict):
        schema = json_schema(found)
    if schema is None:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def _tools(asked: JsonObject, limits: Unsupported) -> JsonObject:
    declared: list[JsonObject] = []
    for tool in map(humped, mappings(asked.get("tools"))):
        for name in tool:
            if name != "functionDeclarations":
                limits.refuse("tools", f"the tool '{name}'")
        declared += [humped(one) for one in mappings(tool.get("functionDeclarations"))]
    config = humped(mapping(asked.get("toolConfig")))
    calling = humped(mapping(config.get("functionCallingConfig")))
    allowed = calling.get("allowedFunctionNames")
    if isinstance(allowed, list) and allowed:
        declared = [one for one in declared if one.get("name") in allowed]
    if not declared:
        return {}
    return {
        "tools": [_tool(one) for one in declared],
        "tool_choice": _choice(text(calling.get("mode")).upper(), declared),
    }


def _tool(declared: JsonObject) -> JsonObject:
    schema = declared.get("parametersJsonSchema")
    if schema is None and isinstance(found := declared.get("parameters"), dict):
        schema = json_schema(found)
    function: JsonObject = {
        "name": declared.get("name"),
        "description": declared.get("description"),
        "parameters": schema,
    }
    return {"type": "function", "function": without_nulls(function)}


def _choice(mode: str, declared: list[JsonObject]) -> Json:
    match mode:
        case "ANY" if len(declared) == 1:
            return {"type": "function", "function": {"name": declared[0].get("name")}}
        case "ANY":
            return "required"
        case "NONE":
            return "none"
        case _:
            return None
