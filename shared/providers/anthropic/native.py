"""Anthropic asked by callers who speak its own Messages API: nothing is translated.

Fields and events that nobody here has heard of pass both ways; only the usage is read in passing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain import Endpoint, Usage
from shared.providers.anthropic.dialect import messages_request, read_message
from shared.providers.anthropic.usage import message_usage
from shared.providers.decoding import JsonDecoder
from shared.providers.dialect import Reply, StreamEvent
from shared.providers.failures import failure, failure_inside, malformed
from shared.providers.reading import mapping, mappings, parsed, text, without_nulls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest, Json, JsonObject
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder

_GENERATED = ("text", "thinking", "partial_json", "name", "data")


@dataclass(frozen=True, slots=True)
class AnthropicMessages:
    """The dialect of the Messages API and of its token counts, unchanged."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put the caller's body to the deployment, under the deployment's name for the model."""
        body: JsonObject = {**call.body, "model": to.model}
        if call.endpoint is Endpoint.COUNT_TOKENS:
            body.pop("max_tokens", None)
            return messages_request(call, to, body, "/v1/messages/count_tokens")
        return messages_request(call, to, body)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read of a whole answer what is billed."""
        if call.endpoint is Endpoint.COUNT_TOKENS:
            counted = parsed(body)
            if not isinstance(counted.get("input_tokens"), int):
                raise malformed("has no `input_tokens`")
            return Reply(counted, Usage(), None)
        message = read_message(body)
        return Reply(
            body=message,
            usage=message_usage(mapping(message.get("usage"))),
            response_id=text(message.get("id")) or None,
            text_bytes=sum(map(_generated_bytes, mappings(message.get("content")))),
        )

    def decoder(self, call: Call) -> Decoder:  # noqa: ARG002 - every stream reads alike
        """Begin to read a streamed answer."""
        return JsonDecoder(_Passing())

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return failure(status, headers, body)


@dataclass(slots=True)
class _Passing:
    """Every event as it came, its usage read."""

    _counts: JsonObject = field(default_factory=dict[str, "Json"])
    _id: str = ""
    _has_stopped: bool = False

    def read(self, data: JsonObject) -> list[StreamEvent]:
        """Pass one event on."""
        usage: Usage | None = None
        generated = 0
        match data.get("type"):
            case "error":
                return [StreamEvent(error=failure_inside(data))]
            case "message_start":
                message = mapping(data.get("message"))
                self._id = text(message.get("id"))
                usage = self._count(message.get("usage"))
            case "message_delta":
                self._has_stopped = True
                usage = self._count(data.get("usage"))
            case "content_block_start":
                generated = _generated_bytes(mapping(data.get("content_block")))
            case "content_block_delta":
                generated = _generated_bytes(mapping(data.get("delta")))
            case _:
                pass
        return [
            StreamEvent(
                data=data,
                usage=usage,
                text_bytes=generated,
                response_id=self._id or None,
                is_done=data.get("type") == "message_stop",
            )
        ]

    def close(self) -> list[StreamEvent]:
        """Take a stream as whole that told why it stopped."""
        return [StreamEvent(data={"type": "message_stop"}, is_done=True)] * self._has_stopped

    def _count(self, told: Json) -> Usage | None:
        self._counts = {**self._counts, **without_nulls(mapping(told))}
        return message_usage(self._counts)


def _generated_bytes(block: JsonObject) -> int:
    return sum(len(text(block.get(name)).encode()) for name in _GENERATED)
