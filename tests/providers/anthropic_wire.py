"""What Anthropic sends, made by hand from its published API (platform.claude.com/docs, 2026-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

USAGE: JsonObject = {
    "input_tokens": 10,
    "cache_creation_input_tokens": 200,
    "cache_read_input_tokens": 3000,
    "output_tokens": 40,
    "service_tier": "standard",
}

THINKING: JsonObject = {"type": "thinking", "thinking": "Hm, Bern.", "signature": "c2lnbmVk"}
REDACTED: JsonObject = {"type": "redacted_thinking", "data": "ZW5jcnlwdGVk"}
HELD: JsonObject = {"type": "ephemeral", "ttl": "1h"}  # as a caller marks what is to be cached
TEXT: JsonObject = {"type": "text", "text": "I look.", "citations": None}
TOOL_USE: JsonObject = {
    "type": "tool_use",
    "id": "toolu_01",
    "name": "weather",
    "input": {"city": "Bern"},
}


def message(*content: Json, **changed: Json) -> JsonObject:
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-5-20250929",
        "content": [*(content or [TEXT])],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
        **changed,
    }


MESSAGE = message(THINKING, REDACTED, TEXT, TOOL_USE, stop_reason="tool_use")


def events(*happened: JsonObject) -> bytes:
    return b"".join(
        f"event: {event['type']}\n".encode() + b"data: " + orjson.dumps(event) + b"\n\n"
        for event in happened
    )


def start(index: int, block: JsonObject) -> JsonObject:
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **held: Json) -> JsonObject:
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **held}}


def stop(index: int) -> JsonObject:
    return {"type": "content_block_stop", "index": index}


BEGIN: JsonObject = {
    "type": "message_start",
    "message": message(content=[], stop_reason=None, usage={**USAGE, "output_tokens": 1}),
}
END: tuple[JsonObject, ...] = (
    {
        "type": "message_delta",
        "delta": {"stop_reason": "tool_use", "stop_sequence": None},
        "usage": {"output_tokens": 40},
    },
    {"type": "message_stop"},
)
PING: JsonObject = {"type": "ping"}
HAPPENED: tuple[JsonObject, ...] = (
    BEGIN,
    start(0, {"type": "thinking", "thinking": "", "signature": ""}),
    PING,
    delta(0, "thinking_delta", thinking="Hm, "),
    delta(0, "thinking_delta", thinking="Bern."),
    delta(0, "signature_delta", signature="c2lnbmVk"),
    stop(0),
    start(1, REDACTED),
    stop(1),
    start(2, {"type": "text", "text": ""}),
    delta(2, "text_delta", text="I "),
    delta(2, "text_delta", text="look €."),
    stop(2),
    start(3, {**TOOL_USE, "input": {}}),
    delta(3, "input_json_delta", partial_json=""),
    delta(3, "input_json_delta", partial_json='{"city":'),
    delta(3, "input_json_delta", partial_json=' "Bern"}'),
    stop(3),
    start(4, {"type": "tool_use", "id": "toolu_02", "name": "now", "input": {}}),
    stop(4),
    *END,
)
STREAM = events(*HAPPENED)
OVERLOADED: JsonObject = {
    "type": "error",
    "error": {"type": "overloaded_error", "message": "Overloaded"},
}
