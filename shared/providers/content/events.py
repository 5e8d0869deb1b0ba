"""Write a chat's chunks as the responses of Google's stream, each as it comes.

Google tells a call whole, so a call's pieces are gathered until the model goes on; and why it
stopped with the usage, which a chat tells last.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.providers.content.from_chat import call_part, candidate, index_of, parts_of, response
from shared.providers.dialect import StreamEvent
from shared.providers.reading import mapping, mappings, text

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject, Usage


@dataclass(slots=True)
class _Choice:
    """What is known of one candidate: its unfinished calls, and why it stopped."""

    calls: dict[int, JsonObject] = field(default_factory=dict[int, "JsonObject"])
    finish_reason: str = ""

    def gather(self, pieces: list[JsonObject]) -> None:
        """Add pieces to their calls."""
        for piece in pieces:
            position = index_of(piece)
            function = mapping(piece.get("function"))
            known = self.calls.get(position, {})
            before = mapping(known.get("function"))
            self.calls[position] = {
                "id": text(known.get("id")) or text(piece.get("id")),
                "function": {
                    "name": text(before.get("name")) or text(function.get("name")),
                    "arguments": text(before.get("arguments")) + text(function.get("arguments")),
                },
            }

    def taken(self) -> list[Json]:
        """Return the calls as parts, and forget them."""
        made: list[Json] = [call_part(self.calls[position]) for position in sorted(self.calls)]
        self.calls.clear()
        return made


@dataclass(slots=True)
class ContentWriter:
    """Writes one stream."""

    _id: str = ""
    _usage: Usage | None = None
    _choices: dict[int, _Choice] = field(default_factory=dict[int, _Choice])

    def write(self, event: StreamEvent) -> list[StreamEvent]:
        """Write one event; what is billed stays with it."""
        if event.error is not None:
            return [event]
        self._usage = event.usage or self._usage
        data = self._chunk(event.data) if event.data is not None else None
        if event.is_done:
            data = self._last()
        if data is None and event.usage is None and not event.is_done:
            return []
        return [
            StreamEvent(
                data=data,
                usage=event.usage,
                text_bytes=event.text_bytes,
                response_id=event.response_id,
                is_done=event.is_done,
            )
        ]

    def _chunk(self, chunk: JsonObject) -> JsonObject | None:
        self._id = self._id or text(chunk.get("id"))
        told: list[Json] = []
        for choice in mappings(chunk.get("choices")):
            index = index_of(choice)
            known = self._choices.setdefault(index, _Choice())
            delta = mapping(choice.get("delta"))
            parts = parts_of(delta)
            known.gather(mappings(delta.get("tool_calls")))
            known.finish_reason = text(choice.get("finish_reason")) or known.finish_reason
            if parts:
                told.append(candidate(index, parts, {}))
        return response(self._id, told, None) if told else None

    def _last(self) -> JsonObject:
        told: list[Json] = [
            candidate(index, known.taken(), {"finish_reason": known.finish_reason or "stop"})
            for index, known in sorted(self._choices.items())
        ]
        return response(self._id, told, self._usage)
