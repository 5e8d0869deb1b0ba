"""A chat completion as a message of Anthropic's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.reading import mapping, mappings, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject, Usage

STOP_REASONS: Final[Mapping[str, str]] = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "function_call": "tool_use",
    "content_filter": "refusal",
}


def message_of(completion: JsonObject, usage: Usage | None) -> JsonObject:
    """Translate a whole completion; of several choices the first."""
    choices = mappings(completion.get("choices"))
    choice: JsonObject = choices[0] if choices else {}
    message = mapping(choice.get("message"))
    return {
        "id": text(completion.get("id")),
        "type": "message",
        "role": "assistant",
        "model": text(completion.get("model")),
        "content": _content(message),
        "stop_reason": stop_reason(choice.get("finish_reason")),
        "stop_sequence": None,
        "usage": told_usage(usage),
    }


def stop_reason(finish_reason: Json) -> str:
    """Tell in Anthropic's words why the model stopped."""
    return STOP_REASONS.get(text(finish_reason), "end_turn")


def told_usage(usage: Usage | None) -> JsonObject:
    """Write usage as Anthropic does: what came from or went to a cache beside the rest."""
    if usage is None:
        return {"input_tokens": 0, "output_tokens": 0}
    return {
        "input_tokens": usage.prompt_tokens - usage.cached_tokens - usage.cache_creation_tokens,
        "cache_creation_input_tokens": usage.cache_creation_tokens,
        "cache_read_input_tokens": usage.cached_tokens,
        "output_tokens": usage.completion_tokens,
    }


def _content(message: JsonObject) -> list[Json]:
    thinking: list[Json] = [*mappings(message.get("thinking_blocks"))]
    reasoning = text(message.get("reasoning_content")) or text(message.get("reasoning"))
    if reasoning and not thinking:
        thinking = [{"type": "thinking", "thinking": reasoning, "signature": ""}]
    return [*thinking, *_texts(message), *map(_use, mappings(message.get("tool_calls")))]


def _texts(message: JsonObject) -> list[Json]:
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(text(part.get("text")) for part in mappings(content))
    said = text(content) or text(message.get("refusal"))
    return [{"type": "text", "text": said}] if said else []


def _use(call: JsonObject) -> JsonObject:
    function = mapping(call.get("function"))
    return {
        "type": "tool_use",
        "id": text(call.get("id")),
        "name": text(function.get("name")),
        "input": _given(text(function.get("arguments"))),
    }


def _given(arguments: str) -> JsonObject:
    """Read a tool's arguments; what a model wrote that is no JSON object is shown as it is."""
    try:
        given: Json = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        given = None
    return given if isinstance(given, dict) else {"arguments": arguments}
