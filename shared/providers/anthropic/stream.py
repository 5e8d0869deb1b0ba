"""A stream of Anthropic's as chunks of a chat: each event as it comes.

Events by platform.claude.com/docs/en/build-with-claude/streaming, read 2026-11. Usage counts are
cumulative; the input's come with the first event.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from shared.providers.anthropic.reply import explanation, finish_reason
from shared.providers.anthropic.usage import message_usage
from shared.providers.dialect import StreamEvent
from shared.providers.failures import failure_inside
from shared.providers.reading import mapping, text, without_nulls

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject, Usage
    from shared.providers.chunks import ChunkWriter


@dataclass(slots=True)
class _OpenCall:
    """A call of a tool whose arguments are coming."""

    position: int
    has_arguments: bool = False


@dataclass(slots=True)
class ChatMeaning:
    """What Anthropic's events mean in a chat."""

    chunks: ChunkWriter
    _counts: JsonObject = field(default_factory=dict[str, "Json"])
    _calls: dict[int, _OpenCall] = field(default_factory=dict[int, _OpenCall])
    _has_stopped: bool = False

    def read(self, data: JsonObject) -> list[StreamEvent]:
        """Translate one event."""
        match data.get("type"):
            case "message_start":
                return [self._begin(mapping(data.get("message")))]
            case "content_block_start":
                return self._open(_index(data), mapping(data.get("content_block")))
            case "content_block_delta":
                return self._add(_index(data), mapping(data.get("delta")))
            case "content_block_stop":
                return self._shut(_index(data))
            case "message_delta":
                return [self._stop(data)]
            case "message_stop":
                return self.chunks.done(self._usage())
            case "error":
                return [StreamEvent(error=failure_inside(data))]
            case _:
                return []  # a ping, or an event that is newer than this

    def close(self) -> list[StreamEvent]:
        """Take a stream as whole that told why it stopped."""
        return self.chunks.done(self._usage()) if self._has_stopped else []

    def _usage(self) -> Usage | None:
        return message_usage(self._counts)

    def _begin(self, message: JsonObject) -> StreamEvent:
        self.chunks.id = text(message.get("id"))
        self._counts = without_nulls(mapping(message.get("usage")))
        return self.chunks.delta({"role": "assistant", "content": ""}, usage=self._usage())

    def _open(self, index: int, block: JsonObject) -> list[StreamEvent]:
        match block.get("type"):
            case "text" if said := text(block.get("text")):
                return [self.chunks.delta({"content": said})]
            case "tool_use":
                opened = self._calls[index] = _OpenCall(len(self._calls))
                given = mapping(block.get("input"))
                opened.has_arguments = bool(given)
                function: JsonObject = {
                    "name": block.get("name"),
                    "arguments": orjson.dumps(given).decode() if given else "",
                }
                call: JsonObject = {"id": block.get("id"), "type": "function", "function": function}
                return [self._call(opened, call)]
            case "redacted_thinking":
                return [self.chunks.delta({"thinking_blocks": [block]})]
            case _:
                return []

    def _add(self, index: int, delta: JsonObject) -> list[StreamEvent]:
        match delta:
            case {"type": "text_delta", "text": str(said)}:
                return [self.chunks.delta({"content": said})]
            case {"type": "input_json_delta", "partial_json": str(piece)}:
                opened = self._calls.get(index)
                if opened is None or not piece:
                    return []  # of a tool that the provider runs itself
                opened.has_arguments = True
                return [self._call(opened, {"function": {"arguments": piece}})]
            case {"type": "thinking_delta", "thinking": str(thought)}:
                return [self.chunks.delta({"reasoning_content": thought, **_thinking(thought, "")})]
            case {"type": "signature_delta", "signature": str(signature)}:
                return [self.chunks.delta(_thinking("", signature))]
            case {"type": "citations_delta", "citation": citation}:
                return [self.chunks.delta({"provider_specific_fields": {"citation": citation}})]
            case _:
                return []

    def _shut(self, index: int) -> list[StreamEvent]:
        opened = self._calls.get(index)
        if opened is None or opened.has_arguments:
            return []
        opened.has_arguments = True
        return [self._call(opened, {"function": {"arguments": "{}"}})]

    def _call(self, opened: _OpenCall, call: JsonObject) -> StreamEvent:
        return self.chunks.delta({"tool_calls": [{"index": opened.position, **call}]})

    def _stop(self, data: JsonObject) -> StreamEvent:
        delta = mapping(data.get("delta"))
        self._counts = {**self._counts, **without_nulls(mapping(data.get("usage")))}
        self._has_stopped = True
        refusal = explanation(delta)
        return self.chunks.delta(
            {"refusal": refusal} if refusal else {},
            finish_reason(delta.get("stop_reason")),
            usage=self._usage(),
        )


def _index(data: JsonObject) -> int:
    index = data.get("index")
    return index if isinstance(index, int) else -1


def _thinking(thought: str, signature: str) -> JsonObject:
    block: Json = {"type": "thinking", "thinking": thought, "signature": signature}
    return {"thinking_blocks": [block]}
