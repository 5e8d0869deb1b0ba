"""Cohere's answers as a chat completion, whole and in pieces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from shared.domain import Usage
from shared.providers.chunks import completion
from shared.providers.dialect import Reply, StreamEvent
from shared.providers.failures import failure_inside, malformed
from shared.providers.reading import mapping, mappings, text
from shared.providers.usage import count, text_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Json, JsonObject
    from shared.providers.chunks import ChunkWriter

_FINISH_REASONS: Final[Mapping[str, str]] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
}


def chat_reply(call: Call, told: JsonObject) -> Reply:
    """Translate a whole answer."""
    message = told.get("message")
    if not isinstance(message, dict):
        raise malformed("has no `message`")
    usage, response_id = _usage(told.get("usage")), text(told.get("id"))
    choice: JsonObject = {
        "index": 0,
        "message": _message(message),
        "finish_reason": _FINISH_REASONS.get(text(told.get("finish_reason")), "stop"),
        "logprobs": _logprobs(mappings(told.get("logprobs"))),
    }
    return Reply(
        body=completion(call, response_id, [choice], usage),
        usage=usage,
        response_id=response_id or None,
        text_bytes=text_bytes([choice]),
    )


def _message(message: JsonObject) -> JsonObject:
    parts = mappings(message.get("content"))
    said = "".join(text(part.get("text")) for part in parts if part.get("type") == "text")
    thoughts = "".join(text(part.get("thinking")) for part in parts)
    calls = mappings(message.get("tool_calls"))
    plan = text(message.get("tool_plan"))
    found: JsonObject = {"role": "assistant", "content": said or plan or None, "refusal": None}
    if calls:
        found["tool_calls"] = [*calls]
    if thoughts:
        found["reasoning_content"] = thoughts
    if citations := message.get("citations"):
        found["provider_specific_fields"] = {"citations": citations}
    return found


def _logprobs(told: list[JsonObject]) -> JsonObject | None:
    """Write probabilities as OpenAI does; Cohere tells one token, or several, with each text."""
    content: list[Json] = []
    for item in told:
        values, word = item.get("logprobs"), text(item.get("text"))
        value: Json = values[0] if isinstance(values, list) and values else None
        if value is not None:
            token: JsonObject = {"token": word, "logprob": value, "bytes": [*word.encode()]}
            content.append({**token, "top_logprobs": []})
    return {"content": content, "refusal": None} if content else None


def _usage(told: Json) -> Usage | None:
    """Read what is billed, else what was counted."""
    found = mapping(told)
    for name in ("billed_units", "tokens"):
        counts = mapping(found.get(name))
        prompt, written = count(counts.get("input_tokens")), count(counts.get("output_tokens"))
        if prompt or written:
            cached = min(count(found.get("cached_tokens")), prompt)
            return Usage(prompt, written, cached_tokens=cached)
    return None


@dataclass(slots=True)
class ChatMeaning:
    """What Cohere's events mean in a chat's stream."""

    chunks: ChunkWriter
    _positions: dict[int, int] = field(default_factory=dict[int, int])

    def read(self, data: JsonObject) -> list[StreamEvent]:
        """Translate one event."""
        delta = mapping(data.get("delta"))
        message = mapping(delta.get("message"))
        content = mapping(message.get("content"))
        match data.get("type"):
            case "message-start":
                self.chunks.id = text(data.get("id"))
                return [self.chunks.delta({"role": "assistant", "content": ""})]
            case "content-start" | "content-delta":
                return self._said(content)
            case "tool-plan-delta" if plan := text(message.get("tool_plan")):
                return [self.chunks.delta({"content": plan})]
            case "tool-call-start" | "tool-call-delta":
                return [self._call(data.get("index"), mapping(message.get("tool_calls")))]
            case "citation-start":
                citation = message.get("citations")
                return [self.chunks.delta({"provider_specific_fields": {"citation": citation}})]
            case "message-end":
                return self._end(delta)
            case _:
                return []

    def close(self) -> list[StreamEvent]:
        """Take no stream as whole that lacks its last event."""
        return []

    def _said(self, content: JsonObject) -> list[StreamEvent]:
        if said := text(content.get("text")):
            return [self.chunks.delta({"content": said})]
        if thought := text(content.get("thinking")):
            return [self.chunks.delta({"reasoning_content": thought})]
        return []

    def _call(self, index: Json, call: JsonObject) -> StreamEvent:
        found = index if isinstance(index, int) else 0
        position = self._positions.setdefault(found, len(self._positions))
        return self.chunks.delta({"tool_calls": [{"index": position, **call}]})

    def _end(self, delta: JsonObject) -> list[StreamEvent]:
        if error := text(delta.get("error")):
            return [StreamEvent(error=failure_inside({"message": error}))]
        usage = _usage(delta.get("usage"))
        reason = _FINISH_REASONS.get(text(delta.get("finish_reason")), "stop")
        stopped = self.chunks.delta({}, reason, usage=usage)
        return [stopped, *self.chunks.done(usage)]
