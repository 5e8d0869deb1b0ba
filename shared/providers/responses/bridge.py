"""The Responses API by way of chat completions: a dialect around the dialect of a vendor."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.domain import Endpoint
from shared.providers.failures import malformed
from shared.providers.parameters import prepared
from shared.providers.responses.answering import Answering
from shared.providers.responses.asking import chat_body
from shared.providers.responses.streaming import BridgedDecoder
from shared.providers.responses.tools import read_tools

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Dialect, Reply


@dataclass(frozen=True, slots=True)
class ResponsesBridge:
    """Puts a response request to a vendor that knows chat completions only."""

    inner: Dialect

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put the call as a chat."""
        return self.inner.request(prepared(_as_chat(call), to), to)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole chat answer as a response."""
        chat = self.inner.reply(_as_chat(call), body)
        match chat.body.get("choices"):
            case [{"message": dict() as message} as choice, *_]:
                answering = _answering(call)
                output = answering.output_of(message)
                reason = choice.get("finish_reason")
                return replace(chat, body=answering.ended(reason, output, chat.usage))
            case _:
                raise malformed("has no message")

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a chat stream as events of a response."""
        return BridgedDecoder(self.inner.decoder(_as_chat(call)), _answering(call))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return self.inner.error(status, headers, body)


def _as_chat(call: Call) -> Call:
    # A chat's metadata would be stored elsewhere, or be no field at all: it is only told again.
    asked = {name: value for name, value in call.body.items() if name != "metadata"}
    return replace(call, endpoint=Endpoint.CHAT, body=chat_body(asked), wants_usage_chunk=False)


def _answering(call: Call) -> Answering:
    # The call's id is a UUIDv7: its first 48 bits are the milliseconds it was made at.
    created_at = int(call.id.replace("-", "")[:12] or "0", 16) // 1000
    return Answering(call, read_tools(call.body.get("tools")), created_at)
