"""The same two answers as each vendor would send them, made by hand from its published API.

`Hello €` in two pieces, then a call of `weather` with `{"city": "Bern"}`; what was counted differs.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import orjson

from shared.config.vendors import VENDORS
from shared.domain import Endpoint, Usage
from shared.providers.registry import dialect_of
from tests.providers.anthropic_wire import TOOL_USE, delta, events, message, start, stop
from tests.providers.calls import deployment, sse

if TYPE_CHECKING:
    from shared.domain import Deployment, Json, JsonObject
    from shared.providers.dialect import Dialect

ARGUMENTS = '{"city":"Bern"}'
CALL: JsonObject = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "weather", "arguments": ARGUMENTS},
}


@dataclass(frozen=True)
class Wire:
    """One vendor's bytes: a whole answer, a stream, an error; `base` is where it lives.

    `call_id` is the id that its call of a tool is given.
    """

    base: str
    reply: bytes
    stream: bytes
    usage: Usage
    error: bytes
    call_id: str = "call_1"


def openai_chunk(delta: JsonObject, finish: str | None = None, **more: Json) -> JsonObject:
    choice: JsonObject = {"index": 0, "delta": delta, "finish_reason": finish}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }


OPENAI_USAGE: JsonObject = {
    "prompt_tokens": 30,
    "completion_tokens": 8,
    "total_tokens": 38,
    "prompt_tokens_details": {"cached_tokens": 20},
}
OPENAI_REPLY: JsonObject = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello €", "tool_calls": [CALL]},
            "finish_reason": "tool_calls",
            "logprobs": None,
        }
    ],
    "usage": OPENAI_USAGE,
}
OPENAI = Wire(
    base="https://api.example.com/v1",
    reply=orjson.dumps(OPENAI_REPLY),
    stream=sse(
        openai_chunk({"role": "assistant", "content": "Hel"}),
        openai_chunk({"content": "lo €"}),
        openai_chunk({"tool_calls": [{"index": 0, **CALL}]}),
        openai_chunk({}, "tool_calls"),
        {**openai_chunk({}), "choices": [], "usage": OPENAI_USAGE},
    ),
    usage=Usage(30, 8, cached_tokens=20),
    error=b'{"error":{"message":"Slow down","type":"rate_limit","code":null}}',
)

ANTHROPIC_USAGE: JsonObject = {
    "input_tokens": 5,
    "cache_read_input_tokens": 20,
    "cache_creation_input_tokens": 5,
    "output_tokens": 8,
}
USE: JsonObject = {**TOOL_USE, "id": "call_1"}
ANTHROPIC = Wire(
    base="https://api.example.com",
    reply=orjson.dumps(
        message(
            {"type": "text", "text": "Hello €"},
            USE,
            stop_reason="tool_use",
            usage=ANTHROPIC_USAGE,
        )
    ),
    stream=events(
        {
            "type": "message_start",
            "message": message(content=[], usage={**ANTHROPIC_USAGE, "output_tokens": 1}),
        },
        start(0, {"type": "text", "text": ""}),
        {"type": "ping"},
        delta(0, "text_delta", text="Hel"),
        delta(0, "text_delta", text="lo €"),
        stop(0),
        start(1, {**USE, "input": {}}),
        delta(1, "input_json_delta", partial_json='{"city":'),
        delta(1, "input_json_delta", partial_json='"Bern"}'),
        stop(1),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": {"output_tokens": 8},
        },
        {"type": "message_stop"},
    ),
    usage=Usage(30, 8, cached_tokens=20, cache_creation_tokens=5),
    error=b'{"type":"error","error":{"type":"rate_limit_error","message":"Slow down"}}',
)


def gemini_part(*parts: Json, **more: Json) -> JsonObject:
    return {
        "candidates": [{"index": 0, "content": {"role": "model", "parts": [*parts]}, **more}],
        "modelVersion": "gemini-2.5-flash",
        "responseId": "resp1",
    }


GEMINI_CALL: JsonObject = {
    "functionCall": {"id": "call_1", "name": "weather", "args": {"city": "Bern"}},
    "thoughtSignature": "c2ln",
}
GEMINI_USAGE: JsonObject = {
    "promptTokenCount": 30,
    "cachedContentTokenCount": 20,
    "candidatesTokenCount": 6,
    "thoughtsTokenCount": 2,
    "totalTokenCount": 38,
}
GEMINI = Wire(
    base="https://generativelanguage.example.com/v1beta",
    reply=orjson.dumps(
        {
            **gemini_part({"text": "Hello €"}, GEMINI_CALL, finishReason="STOP"),
            "usageMetadata": GEMINI_USAGE,
        }
    ),
    stream=sse(
        gemini_part({"text": "Hel"}),
        gemini_part({"text": "lo €"}),
        gemini_part(GEMINI_CALL),
        {**gemini_part({"text": ""}, finishReason="STOP"), "usageMetadata": GEMINI_USAGE},
        done=False,
    ),
    usage=Usage(30, 8, cached_tokens=20, reasoning_tokens=2),
    error=b'{"error":{"code":429,"message":"Slow down","status":"RESOURCE_EXHAUSTED"}}',
    call_id="call_1__thought__c2ln",
)


def cohere_event(kind: str, message: JsonObject | None = None, **more: Json) -> JsonObject:
    held: JsonObject = {"delta": {"message": message}} if message is not None else {}
    return {"type": kind, **held, **more}


COHERE_USAGE: JsonObject = {
    "billed_units": {"input_tokens": 30, "output_tokens": 8},
    "tokens": {"input_tokens": 900, "output_tokens": 90},
    "cached_tokens": 20,
}
COHERE = Wire(
    base="https://api.cohere.example.com",
    reply=orjson.dumps(
        {
            "id": "coh1",
            "finish_reason": "TOOL_CALL",
            "message": {
                "role": "assistant",
                "content": [{"type": "text", "text": "Hello €"}],
                "tool_calls": [CALL],
            },
            "usage": COHERE_USAGE,
        }
    ),
    stream=sse(
        cohere_event("message-start", {"role": "assistant"}, id="coh1"),
        cohere_event("content-start", {"content": {"type": "text", "text": ""}}, index=0),
        cohere_event("content-delta", {"content": {"text": "Hel"}}, index=0),
        cohere_event("content-delta", {"content": {"text": "lo €"}}, index=0),
        cohere_event("content-end", index=0),
        cohere_event(
            "tool-call-start",
            {"tool_calls": {**CALL, "function": {"name": "weather", "arguments": ""}}},
            index=0,
        ),
        cohere_event(
            "tool-call-delta", {"tool_calls": {"function": {"arguments": ARGUMENTS}}}, index=0
        ),
        cohere_event("tool-call-end", index=0),
        {"type": "message-end", "delta": {"finish_reason": "TOOL_CALL", "usage": COHERE_USAGE}},
        done=False,
    ),
    usage=Usage(30, 8, cached_tokens=20),
    error=b'{"id":"1","message":"Slow down"}',
)


def frame(kind: str, data: JsonObject) -> bytes:
    """One frame of AWS's event stream."""
    held = {":message-type": "event", ":event-type": kind, ":content-type": "application/json"}
    headers = b"".join(
        bytes([len(name)])
        + name.encode()
        + b"\x07"
        + struct.pack(">H", len(value))
        + value.encode()
        for name, value in held.items()
    )
    payload = orjson.dumps(data)
    prelude = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    whole = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + payload
    return whole + struct.pack(">I", zlib.crc32(whole))


BEDROCK_USAGE: JsonObject = {
    "inputTokens": 5,
    "outputTokens": 8,
    "totalTokens": 38,
    "cacheReadInputTokens": 20,
    "cacheWriteInputTokens": 5,
}
BEDROCK_USE: JsonObject = {"toolUseId": "call_1", "name": "weather"}
BEDROCK = Wire(
    base="https://bedrock-runtime.us-east-1.example.com",
    reply=orjson.dumps(
        {
            "output": {
                "message": {
                    "role": "assistant",
                    "content": [
                        {"text": "Hello €"},
                        {"toolUse": {**BEDROCK_USE, "input": {"city": "Bern"}}},
                    ],
                }
            },
            "stopReason": "tool_use",
            "usage": BEDROCK_USAGE,
            "metrics": {"latencyMs": 1},
        }
    ),
    stream=b"".join(
        [
            frame("messageStart", {"role": "assistant"}),
            frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Hel"}}),
            frame("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "lo €"}}),
            frame("contentBlockStop", {"contentBlockIndex": 0}),
            frame("contentBlockStart", {"contentBlockIndex": 1, "start": {"toolUse": BEDROCK_USE}}),
            frame(
                "contentBlockDelta",
                {"contentBlockIndex": 1, "delta": {"toolUse": {"input": ARGUMENTS}}},
            ),
            frame("contentBlockStop", {"contentBlockIndex": 1}),
            frame("messageStop", {"stopReason": "tool_use"}),
            frame("metadata", {"usage": BEDROCK_USAGE, "metrics": {"latencyMs": 1}}),
        ]
    ),
    usage=Usage(30, 8, cached_tokens=20, cache_creation_tokens=5),
    error=b'{"message":"Slow down"}',
)


def invoked(stream: bytes) -> bytes:
    """Anthropic's events as InvokeModelWithResponseStream wraps them."""
    told = [line.removeprefix(b"data: ") for line in stream.split(b"\n") if line[:6] == b"data: "]
    return b"".join(frame("chunk", {"bytes": b64encode(event).decode()}) for event in told)


BEDROCK_CLAUDE = replace(
    ANTHROPIC, base=BEDROCK.base, stream=invoked(ANTHROPIC.stream), error=BEDROCK.error
)
VERTEX_CLAUDE = replace(
    ANTHROPIC, base="https://aiplatform.example.com/v1/projects/p/locations/global"
)

WIRES = {
    "anthropic": ANTHROPIC,
    "azure": OPENAI,
    "azure_ai": OPENAI,
    "bedrock": BEDROCK,
    "bedrock/invoke": BEDROCK_CLAUDE,
    "cohere": COHERE,
    "gemini": GEMINI,
    "mistral": OPENAI,
    "openai": OPENAI,
    "vertex_ai": GEMINI,
    "vertex_ai/claude": VERTEX_CLAUDE,
}
"""Every dialect, under the name of a provider that speaks it, and the kind of model if need be."""

_MODELS = {"bedrock/invoke": "invoke/anthropic.gpt-4o", "vertex_ai/claude": "claude-gpt-4o"}
_OF_DIALECTS = {vendor.provider: WIRES[vendor.dialect] for vendor in VENDORS.values()}
EVERY = {**_OF_DIALECTS, **WIRES}
"""Every row of the table of vendors as well."""


def there(name: str, **changed: object) -> Deployment:
    """A deployment that speaks as the wire of that name does."""
    model = _MODELS.get(name, "gpt-4o")
    fields = {"model": model, "api_base": EVERY[name].base, **changed}
    return deployment(name.partition("/")[0], **fields)


def spoken(name: str, endpoint: Endpoint = Endpoint.CHAT) -> Dialect:
    """The dialect of that name."""
    return dialect_of(name.partition("/")[0], endpoint, _MODELS.get(name, "gpt-4o"))
