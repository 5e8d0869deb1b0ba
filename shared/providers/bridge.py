"""Answer a call of another entrance by a model that speaks a chat: translated there and back.

A bridge is itself a dialect: what asks, settles and logs does not know that there is one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from shared.domain import Endpoint
from shared.providers.parameters import prepared
from shared.providers.unsupported import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.domain import Call, Deployment, HttpRequest, Json, JsonObject, Usage
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Dialect, Reply, StreamEvent


class ToChat(Protocol):
    """Translates a body; raises BadRequest for what a chat cannot say."""

    def __call__(
        self, given: Mapping[str, Json], to: Deployment, limits: Unsupported, *, is_rich: bool
    ) -> JsonObject:
        """Return the body of a chat."""
        ...


class Writer(Protocol):
    """Writes one stream in the entrance's words."""

    def write(self, event: StreamEvent) -> list[StreamEvent]:
        """Return what an event of the chat becomes."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """How an entrance asks, answers and streams, by way of a chat."""

    to_chat: ToChat
    from_chat: Callable[[JsonObject, Usage | None], JsonObject]
    writer: Callable[[], Writer]


@dataclass(frozen=True, slots=True)
class Bridge:
    """Around the dialect `chat`.

    `is_rich` when that understands what LiteLLM adds to a chat: marks for caching, signed thinking.
    """

    chat: Dialect
    words: Words
    is_rich: bool

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put the translated call to the deployment."""
        limits = Unsupported.by(call, to)
        body = self.words.to_chat(call.body, to, limits, is_rich=self.is_rich)
        return self.chat.request(prepared(replace(_as_chat(call), body=body), to), to)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a completion and write it in the entrance's words."""
        reply = self.chat.reply(_as_chat(call), body)
        return replace(reply, body=self.words.from_chat(reply.body, reply.usage))

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a stream of chunks as one of the entrance's."""
        return BridgeDecoder(self.chat.decoder(_as_chat(call)), self.words.writer())

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return self.chat.error(status, headers, body)


def _as_chat(call: Call) -> Call:
    return replace(call, endpoint=Endpoint.CHAT, wants_usage_chunk=False, headers={})


@dataclass(slots=True)
class BridgeDecoder:
    """Events of the inner dialect, each rewritten as it comes."""

    inner: Decoder
    writer: Writer

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        return self._written(self.inner.feed(chunk))

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        return self._written(self.inner.end())

    def _written(self, events: list[StreamEvent]) -> list[StreamEvent]:
        return [written for event in events for written in self.writer.write(event)]
