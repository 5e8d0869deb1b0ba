"""Write a translated stream as OpenAI's chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.providers.dialect import StreamEvent
from shared.providers.reading import created_of
from shared.providers.usage import chat_usage, text_bytes

if TYPE_CHECKING:
    from shared.domain import Call, Json, JsonObject, Usage


@dataclass(slots=True)
class ChunkWriter:
    """Gives every chunk of one stream the same head. `id` is the provider's, once it is known."""

    created: int
    wants_usage_chunk: bool
    id: str = ""

    @classmethod
    def of(cls, call: Call) -> ChunkWriter:
        """Begin the stream that answers a call."""
        return cls(created_of(call), call.wants_usage_chunk)

    def delta(
        self,
        delta: JsonObject,
        finish_reason: str | None = None,
        *,
        index: int = 0,
        usage: Usage | None = None,
    ) -> StreamEvent:
        """Write what one choice got; `usage` is booked, not shown."""
        choice: JsonObject = {"index": index, "delta": delta, "finish_reason": finish_reason}
        return StreamEvent(
            data=self._chunk([choice]),
            usage=usage,
            text_bytes=text_bytes([choice]),
            response_id=self.id or None,
        )

    def done(self, usage: Usage | None) -> list[StreamEvent]:
        """End the stream, with the usage chunk for a caller who asked."""
        told = chat_usage(usage)
        data: JsonObject | None = None
        if told and self.wants_usage_chunk:
            data = {**self._chunk([]), "usage": told}
        return [StreamEvent(data=data, usage=usage), StreamEvent(is_done=True)]

    def _chunk(self, choices: list[Json]) -> JsonObject:
        return {
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": "",
            "choices": choices,
        }


def completion(call: Call, id: str, choices: list[Json], usage: Usage | None) -> JsonObject:  # noqa: A002 - the field
    """Write a whole answer as OpenAI does."""
    body: JsonObject = {
        "id": id,
        "object": "chat.completion",
        "created": created_of(call),
        "model": "",
        "choices": choices,
    }
    told = chat_usage(usage)
    return {**body, "usage": told} if told else body
