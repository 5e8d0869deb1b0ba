"""A message of Anthropic's as a chat completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.anthropic.usage import message_usage
from shared.providers.chunks import completion
from shared.providers.dialect import Reply
from shared.providers.reading import mapping, mappings, text
from shared.providers.usage import text_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Json, JsonObject

# platform.claude.com/docs/en/build-with-claude/handling-stop-reasons, read 2026-11.
FINISH_REASONS: Final[Mapping[str, str]] = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def chat_reply(call: Call, message: JsonObject) -> Reply:
    """Translate a whole message."""
    usage = message_usage(mapping(message.get("usage")))
    choice: JsonObject = {
        "index": 0,
        "message": _message(message),
        "finish_reason": finish_reason(message.get("stop_reason")),
        "logprobs": None,
    }
    response_id = text(message.get("id"))
    return Reply(
        body=completion(call, response_id, [choice], usage),
        usage=usage,
        response_id=response_id or None,
        text_bytes=text_bytes([choice]),
    )


def finish_reason(stop_reason: Json) -> str:
    """Tell in OpenAI's words why the model stopped."""
    return FINISH_REASONS.get(text(stop_reason), "stop")


def explanation(holder: JsonObject) -> str | None:
    """Return why the model refused, where it says so."""
    return text(mapping(holder.get("stop_details")).get("explanation")) or None


def _message(message: JsonObject) -> JsonObject:
    texts: list[str] = []
    reasoning: list[str] = []
    calls: list[Json] = []
    thinking: list[Json] = []
    citations: list[Json] = []
    others: list[Json] = []
    for block in mappings(message.get("content")):
        match block.get("type"):
            case "text":
                texts.append(text(block.get("text")))
                citations += [block["citations"]] if block.get("citations") else []
            case "tool_use":
                calls.append(_call(block))
            case "thinking" | "redacted_thinking":
                thinking.append(block)
                reasoning.append(text(block.get("thinking")))
            case _:
                others.append(block)
    found: JsonObject = {
        "role": "assistant",
        "content": "".join(texts) if texts else None,
        "refusal": explanation(message),
    }
    # The names are LiteLLM's, for what OpenAI's message has no place for.
    specific = {k: v for k, v in (("citations", citations), ("content_blocks", others)) if v}
    told: dict[str, Json] = {
        "tool_calls": calls,
        "thinking_blocks": thinking,
        "reasoning_content": "".join(reasoning),
        "provider_specific_fields": {**specific},
    }
    return {**found, **{name: value for name, value in told.items() if value}}


def _call(block: JsonObject) -> JsonObject:
    arguments = orjson.dumps(mapping(block.get("input"))).decode()
    return {
        "id": block.get("id"),
        "type": "function",
        "function": {"name": block.get("name"), "arguments": arguments},
    }
