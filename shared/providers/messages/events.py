"""Write a chat's chunks as the events of Anthropic's stream, each as it comes.

Tools may be called side by side, so their blocks stay open until something else is said; texts and
thoughts follow one another.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.providers.dialect import StreamEvent
from shared.providers.messages.from_chat import stop_reason, told_usage
from shared.providers.reading import mapping, mappings, text

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject, Usage


@dataclass(slots=True)
class MessageWriter:
    """Knows which blocks are open and why the model stopped."""

    _usage: Usage | None = None
    _finish_reason: Json = None
    _has_begun: bool = False
    _blocks: int = 0
    _speaking: str = ""
    _calls: dict[int, int] = field(default_factory=dict[int, int])
    _open: list[int] = field(default_factory=list[int])

    def write(self, event: StreamEvent) -> list[StreamEvent]:
        """Write one event; what is billed stays with the first that is written for it."""
        if event.error is not None:
            return [event]
        self._usage = event.usage or self._usage
        written = self._chunk(event.data) if event.data is not None else []
        if event.is_done:
            written += self._end()
        if not written and event.usage is None:
            return []
        shown = [StreamEvent(data=data) for data in written] or [StreamEvent()]
        shown[0] = StreamEvent(
            data=shown[0].data,
            usage=event.usage,
            text_bytes=event.text_bytes,
            response_id=event.response_id,
        )
        if event.is_done:
            shown[-1] = StreamEvent(data=shown[-1].data, is_done=True)
        return shown

    def _chunk(self, chunk: JsonObject) -> list[JsonObject]:
        written = self._begin(chunk)
        for choice in mappings(chunk.get("choices")):
            if choice.get("index", 0) != 0:
                continue
            delta = mapping(choice.get("delta"))
            written += self._thoughts(delta)
            for said in (text(delta.get("content")), text(delta.get("refusal"))):
                written += self._say("text", {"type": "text_delta", "text": said}) if said else []
            for call in mappings(delta.get("tool_calls")):
                written += self._call(call)
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
        return written

    def _begin(self, chunk: JsonObject) -> list[JsonObject]:
        if self._has_begun:
            return []
        self._has_begun = True
        message: JsonObject = {
            "id": text(chunk.get("id")),
            "type": "message",
            "role": "assistant",
            "model": text(chunk.get("model")),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {**told_usage(self._usage), "output_tokens": 0},
        }
        return [{"type": "message_start", "message": message}]

    def _thoughts(self, delta: JsonObject) -> list[JsonObject]:
        blocks = mappings(delta.get("thinking_blocks"))
        reasoning = text(delta.get("reasoning_content")) or text(delta.get("reasoning"))
        if reasoning and not blocks:
            blocks.append({"type": "thinking", "thinking": reasoning})
        written: list[JsonObject] = []
        for block in blocks:
            if block.get("type") == "redacted_thinking":
                written += [*self._shut(), *self._start(block), *self._shut()]
            if thought := text(block.get("thinking")):
                written += self._say("thinking", {"type": "thinking_delta", "thinking": thought})
            if signature := text(block.get("signature")):
                written += self._say(
                    "thinking", {"type": "signature_delta", "signature": signature}
                )
                written += self._shut()
        return written

    def _say(self, kind: str, delta: JsonObject) -> list[JsonObject]:
        """Go on in the open block of that kind, or begin one."""
        begun: list[JsonObject] = []
        if self._speaking != kind:
            empty: JsonObject = {"type": kind, kind: ""}
            if kind == "thinking":
                empty["signature"] = ""
            begun = [*self._shut(), *self._start(empty)]
            self._speaking = kind
        return [*begun, _delta(self._blocks - 1, delta)]

    def _call(self, call: JsonObject) -> list[JsonObject]:
        position = call.get("index", 0)
        position = position if isinstance(position, int) else 0
        function = mapping(call.get("function"))
        written: list[JsonObject] = []
        if position not in self._calls:
            if self._speaking:
                written += self._shut()
            self._calls[position] = self._blocks
            use: JsonObject = {
                "type": "tool_use",
                "id": text(call.get("id")) or f"toolu_{position}",
                "name": text(function.get("name")),
                "input": {},
            }
            written += self._start(use)
        if piece := text(function.get("arguments")):
            delta: JsonObject = {"type": "input_json_delta", "partial_json": piece}
            written.append(_delta(self._calls[position], delta))
        return written

    def _start(self, block: JsonObject) -> list[JsonObject]:
        index = self._blocks
        self._blocks += 1
        self._open.append(index)
        return [{"type": "content_block_start", "index": index, "content_block": block}]

    def _shut(self) -> list[JsonObject]:
        """Close what is open."""
        closed: list[JsonObject] = [{"type": "content_block_stop", "index": i} for i in self._open]
        self._open.clear()
        self._speaking = ""
        return closed

    def _end(self) -> list[JsonObject]:
        delta: JsonObject = {"stop_reason": stop_reason(self._finish_reason), "stop_sequence": None}
        return [
            *self._begin({}),
            *self._shut(),
            {"type": "message_delta", "delta": delta, "usage": told_usage(self._usage)},
            {"type": "message_stop"},
        ]


def _delta(index: int, delta: JsonObject) -> JsonObject:
    return {"type": "content_block_delta", "index": index, "delta": delta}
