"""A stream of chat completions as the full sequence of events of the Responses API.

https://platform.openai.com/docs/api-reference/responses-streaming, read 2026-11: every item is
added, grows by deltas and is done; the last event carries the whole response.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from shared.providers.dialect import StreamEvent
from shared.providers.responses.answering import text_part

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject, Usage
    from shared.providers.dialect import Decoder
    from shared.providers.responses.answering import Answering

Kind = Literal["reasoning", "text", "refusal", "call"]


@dataclass(slots=True)
class _Item:
    """The item that is growing; `index` is a tool call's own in the chat stream."""

    kind: Kind
    number: int
    text: str = ""
    name: str = ""
    call_id: Json = None
    index: int = 0


@dataclass(slots=True)
class BridgedDecoder:
    """Wraps the decoder of a chat stream."""

    inner: Decoder
    answering: Answering
    _usage: Usage | None = None
    _finish_reason: Json = None
    _item: _Item | None = None
    _blocks: list[Json] = field(default_factory=list["Json"])
    _output: list[Json] = field(default_factory=list["Json"])
    _events: list[JsonObject] = field(default_factory=list["JsonObject"])
    _sent: int = 0

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        return [told for event in self.inner.feed(chunk) for told in self._translated(event)]

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        return [told for event in self.inner.end() for told in self._translated(event)]

    def _translated(self, event: StreamEvent) -> list[StreamEvent]:
        if event.error is not None:
            return [event]
        self._usage = event.usage or self._usage
        if event.data is not None:
            self._take(event.data)
        if event.is_done:
            self._finish()
        events, self._events = self._events, []
        told = [replace(event, data=None, is_done=False), *(StreamEvent(data=e) for e in events)]
        if event.is_done:
            told[-1] = replace(told[-1], is_done=True)
        return told

    def _take(self, chunk: JsonObject) -> None:
        if self._sent == 0:
            for kind in ("response.created", "response.in_progress"):
                self._tell(kind, response=self.answering.response("in_progress", []))
        choices = chunk.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if not isinstance(choice, dict) or choice.get("index", 0) != 0:
                continue
            self._finish_reason = choice.get("finish_reason") or self._finish_reason
            delta = choice.get("delta")
            if isinstance(delta, dict):
                self._take_delta(delta)

    def _take_delta(self, delta: JsonObject) -> None:
        blocks = delta.get("thinking_blocks")
        if isinstance(blocks, list):
            self._blocks += blocks
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        self._grow("reasoning", thought)
        self._grow("text", delta.get("content"))
        self._grow("refusal", delta.get("refusal"))
        calls = delta.get("tool_calls")
        for call in calls if isinstance(calls, list) else []:
            if isinstance(call, dict):
                self._grow_call(call)

    def _grow(self, kind: Literal["reasoning", "text", "refusal"], text: Json) -> None:
        if not isinstance(text, str) or not text:
            return
        item = self._item
        if item is None or item.kind != kind:
            item = self._open(_Item(kind, len(self._output) + (item is not None)))
        item.text += text
        match kind:
            case "reasoning":
                self._tell("response.reasoning_summary_text.delta", summary_index=0, delta=text)
            case "text":
                self._tell("response.output_text.delta", content_index=0, delta=text, logprobs=[])
            case "refusal":
                self._tell("response.refusal.delta", content_index=0, delta=text)

    def _grow_call(self, call: JsonObject) -> None:
        raw, function = call.get("index"), call.get("function")
        index = raw if isinstance(raw, int) else 0
        told = function if isinstance(function, dict) else {}
        item = self._item
        is_another = item is None or item.kind != "call" or item.index != index
        # Some vendors number no calls: a new id begins a new call.
        if item is None or is_another or (call.get("id") and call["id"] != item.call_id):
            item = self._open(
                _Item(
                    "call",
                    len(self._output) + (item is not None),
                    name=str(told.get("name") or ""),
                    call_id=call.get("id"),
                    index=index,
                )
            )
        arguments = told.get("arguments")
        if isinstance(arguments, str) and arguments:
            item.text += arguments
            # The text of a free-form tool is known only when its JSON is whole.
            if item.name not in self.answering.tools.custom:
                self._tell("response.function_call_arguments.delta", delta=arguments)

    def _open(self, item: _Item) -> _Item:
        self._close()
        self._item = item
        self._tell_item("response.output_item.added", self._shown(item, "in_progress"))
        if item.kind == "reasoning":
            self._tell(
                "response.reasoning_summary_part.added",
                summary_index=0,
                part={"type": "summary_text", "text": ""},
            )
        elif item.kind in {"text", "refusal"}:
            self._tell("response.content_part.added", content_index=0, part=_part(item, ""))
        return item

    def _close(self) -> None:
        item = self._item
        if item is None:
            return
        match item.kind:
            case "reasoning":
                self._tell("response.reasoning_summary_text.done", summary_index=0, text=item.text)
                self._tell(
                    "response.reasoning_summary_part.done",
                    summary_index=0,
                    part={"type": "summary_text", "text": item.text},
                )
            case "text" | "refusal":
                word = "output_text" if item.kind == "text" else "refusal"
                said: JsonObject = (
                    {"text": item.text, "logprobs": []}
                    if item.kind == "text"
                    else {"refusal": item.text}
                )
                self._tell(f"response.{word}.done", content_index=0, **said)
                self._tell(
                    "response.content_part.done", content_index=0, part=_part(item, item.text)
                )
            case "call":
                self._close_call(item)
        whole = self._shown(item, "completed")
        self._tell_item("response.output_item.done", whole)
        self._output.append(whole)
        self._item = None

    def _close_call(self, item: _Item) -> None:
        shown = self._shown(item, "completed")
        if shown["type"] == "custom_tool_call":
            self._tell("response.custom_tool_call_input.delta", delta=shown["input"])
            self._tell("response.custom_tool_call_input.done", input=shown["input"])
        else:
            self._tell(
                "response.function_call_arguments.done", name=shown["name"], arguments=item.text
            )

    def _finish(self) -> None:
        self._close()
        ended = self.answering.ended(self._finish_reason, self._output, self._usage)
        self._tell(f"response.{ended['status']}", response=ended)

    def _shown(self, item: _Item, status: str) -> JsonObject:
        is_begun = status == "in_progress"
        text = "" if is_begun else item.text
        match item.kind:
            case "reasoning":
                blocks = None if is_begun else self._blocks
                return self.answering.reasoning_item(item.number, text, blocks)
            case "text" | "refusal":
                parts: list[Json] = [] if is_begun else [_part(item, text)]
                return self.answering.message_item(item.number, parts, status)
            case "call":
                return self.answering.call_item(item.number, item.call_id, item.name, text, status)

    def _tell_item(self, kind: str, item: JsonObject) -> None:
        self._append({"type": kind, "output_index": item_number(self._item), "item": item})

    def _tell(self, kind: str, **fields: Json) -> None:
        event: JsonObject = {"type": kind}
        if self._item is not None and "response" not in fields:
            event["item_id"] = self._shown(self._item, "in_progress")["id"]
            event["output_index"] = self._item.number
        self._append({**event, **fields})

    def _append(self, event: JsonObject) -> None:
        self._events.append({**event, "sequence_number": self._sent})
        self._sent += 1


def item_number(item: _Item | None) -> int:
    """Return where an item stands in the output."""
    return 0 if item is None else item.number


def _part(item: _Item, text: str) -> JsonObject:
    return text_part(text) if item.kind == "text" else {"type": "refusal", "refusal": text}
