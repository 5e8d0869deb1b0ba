"""Answer a Messages call by a model that speaks a chat: translated on the way there and back.

A bridge is itself a dialect: what asks, settles and logs does not know that there is one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared.domain import Endpoint
from shared.providers.messages.events import MessageWriter
from shared.providers.messages.from_chat import message_of
from shared.providers.messages.to_chat import chat_body
from shared.providers.parameters import prepared
from shared.providers.unsupported import Unsupported

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Dialect, Reply, StreamEvent


@dataclass(frozen=True, slots=True)
class MessagesBridge:
    """Around the dialect `chat`.

    `is_rich` when that understands what LiteLLM adds to a chat: marks for caching, signed thinking.
    """

    chat: Dialect
    is_rich: bool

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put the translated call to the deployment."""
        body = chat_body(call.body, to, Unsupported.by(call, to), is_rich=self.is_rich)
        return self.chat.request(prepared(replace(_as_chat(call), body=body), to), to)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a completion and write it as a message."""
        reply = self.chat.reply(_as_chat(call), body)
        return replace(reply, body=message_of(reply.body, reply.usage))

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a stream of chunks as one of Anthropic's events."""
        return BridgeDecoder(self.chat.decoder(_as_chat(call)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return self.chat.error(status, headers, body)


def _as_chat(call: Call) -> Call:
    return replace(call, endpoint=Endpoint.CHAT, wants_usage_chunk=False, headers={})


@dataclass(slots=True)
class BridgeDecoder:
    """Events of the inner dialect, each rewritten as it comes."""

    inner: Decoder
    _writer: MessageWriter = field(default_factory=MessageWriter)

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        return self._written(self.inner.feed(chunk))

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        return self._written(self.inner.end())

    def _written(self, events: list[StreamEvent]) -> list[StreamEvent]:
        return [written for event in events for written in self._writer.write(event)]
