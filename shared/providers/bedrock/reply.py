"""Converse's answers as a chat completion, whole and in pieces.

By docs.aws.amazon.com/bedrock/latest/APIReference (ConverseStream, TokenUsage), read 2026-11:
cached tokens are counted beside `inputTokens`, and the usage comes after the message has stopped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Usage
from shared.providers.chunks import completion
from shared.providers.dialect import Reply, StreamEvent
from shared.providers.reading import mapping, mappings, parsed, text
from shared.providers.usage import count, text_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Json, JsonObject
    from shared.providers.bedrock.frames import Frame
    from shared.providers.chunks import ChunkWriter

_FINISH_REASONS: Final[Mapping[str, str]] = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
}


def chat_reply(call: Call, body: JsonObject) -> Reply:
    """Translate a whole answer; Converse gives it no id."""
    usage = _usage(body)
    message = mapping(mapping(body.get("output")).get("message"))
    choice: JsonObject = {
        "index": 0,
        "message": _message(mappings(message.get("content"))),
        "finish_reason": _finish_reason(body),
        "logprobs": None,
    }
    return Reply(
        body=completion(call, f"chatcmpl-{call.id}", [choice], usage),
        usage=usage,
        response_id=None,
        text_bytes=text_bytes([choice]),
    )


def _finish_reason(body: JsonObject) -> str:
    return _FINISH_REASONS.get(text(body.get("stopReason")), "stop")


def _usage(body: JsonObject) -> Usage | None:
    told = mapping(body.get("usage"))
    cached = count(told.get("cacheReadInputTokens"))
    written = count(told.get("cacheWriteInputTokens"))
    prompt = count(told.get("inputTokens")) + cached + written
    answered = count(told.get("outputTokens"))
    if prompt == answered == 0:
        return None
    return Usage(prompt, answered, cached_tokens=cached, cache_creation_tokens=written)


def _message(blocks: list[JsonObject]) -> JsonObject:
    said, thoughts = "", ""
    calls: list[Json] = []
    thinking: list[Json] = []
    citations: list[Json] = []
    for block in blocks:
        match block:
            case {"text": str(words)}:
                said += words
            case {"toolUse": dict() as use}:
                arguments = orjson.dumps(mapping(use.get("input"))).decode()
                calls.append(_call(use, arguments))
            case {"reasoningContent": dict() as reasoning}:
                told = mapping(reasoning.get("reasoningText"))
                thoughts += text(told.get("text"))
                thinking.append(_thinking(told, reasoning.get("redactedContent")))
            case {"citationsContent": dict() as cited}:
                said += "".join(text(part.get("text")) for part in mappings(cited.get("content")))
                citations += mappings(cited.get("citations"))
            case _:
                pass
    found: dict[str, Json] = {
        "tool_calls": calls,
        "thinking_blocks": thinking,
        "reasoning_content": thoughts,
        "provider_specific_fields": {"citations": citations} if citations else None,
    }
    head: JsonObject = {"role": "assistant", "content": said or None, "refusal": None}
    return {**head, **{name: value for name, value in found.items() if value}}


def _call(use: JsonObject, arguments: str) -> JsonObject:
    function: JsonObject = {"name": use.get("name"), "arguments": arguments}
    return {"id": use.get("toolUseId"), "type": "function", "function": function}


def _thinking(told: JsonObject, redacted: Json) -> JsonObject:
    if redacted:
        return {"type": "redacted_thinking", "data": redacted}
    signature = text(told.get("signature"))
    return {"type": "thinking", "thinking": text(told.get("text")), "signature": signature}


@dataclass(slots=True)
class ChatMeaning:
    """What Converse's events mean in a chat's stream."""

    chunks: ChunkWriter
    _calls: dict[int, int] = field(default_factory=dict[int, int])
    _silent: set[int] = field(default_factory=set[int])
    _has_stopped: bool = False

    def read(self, frame: Frame) -> list[StreamEvent]:
        """Translate one event."""
        return self._meant(frame.headers.get(":event-type", ""), parsed(frame.payload))

    def close(self) -> list[StreamEvent]:
        """Take a stream as whole that told why it stopped."""
        return self.chunks.done(None) if self._has_stopped else []

    def _meant(self, kind: str, data: JsonObject) -> list[StreamEvent]:
        found = data.get("contentBlockIndex")
        block = found if isinstance(found, int) else -1
        match kind:
            case "messageStart":
                return [self.chunks.delta({"role": "assistant", "content": ""})]
            case "contentBlockStart":
                return self._open(block, mapping(mapping(data.get("start")).get("toolUse")))
            case "contentBlockDelta":
                return self._add(block, mapping(data.get("delta")))
            case "contentBlockStop" if self._calls.get(block) in self._silent:
                return [self._argue(self._calls[block], "{}")]
            case "messageStop":
                self._has_stopped = True
                return [self.chunks.delta({}, _finish_reason(data))]
            case "metadata":
                return self.chunks.done(_usage(data))
            case _:
                return []

    def _open(self, block: int, use: JsonObject) -> list[StreamEvent]:
        if not use:
            return []
        position = self._calls[block] = len(self._calls)
        self._silent.add(position)
        return [self.chunks.delta({"tool_calls": [{"index": position, **_call(use, "")}]})]

    def _add(self, block: int, delta: JsonObject) -> list[StreamEvent]:
        match delta:
            case {"text": str(words)}:
                return [self.chunks.delta({"content": words})]
            case {"toolUse": {"input": str(piece)}} if piece and block in self._calls:
                return [self._argue(self._calls[block], piece)]
            case {"reasoningContent": dict() as reasoning}:
                thought = text(reasoning.get("text"))
                found = _thinking(reasoning, reasoning.get("redactedContent"))
                spoken: JsonObject = {"reasoning_content": thought} if thought else {}
                return [self.chunks.delta({**spoken, "thinking_blocks": [found]})]
            case {"citation": dict() as citation}:
                return [self.chunks.delta({"provider_specific_fields": {"citation": citation}})]
            case _:
                return []

    def _argue(self, position: int, piece: str) -> StreamEvent:
        self._silent.discard(position)
        call: JsonObject = {"index": position, "function": {"arguments": piece}}
        return self.chunks.delta({"tool_calls": [call]})
