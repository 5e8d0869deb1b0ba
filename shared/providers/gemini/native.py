"""Gemini asked by callers who speak its own generateContent: nothing is translated.

Fields and parts that nobody here has heard of pass both ways; only the usage is read in passing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Endpoint, Usage
from shared.providers.decoding import JsonDecoder
from shared.providers.dialect import Reply, StreamEvent
from shared.providers.failures import failure_inside, malformed
from shared.providers.gemini.dialect import content_failure, content_request, read_response
from shared.providers.gemini.usage import content_usage
from shared.providers.reading import mapping, mappings, parsed, text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, HttpRequest, JsonObject
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder

_NOT_THEIRS: Final = frozenset({"model", "stream"})
"""What the path says at Google."""


@dataclass(frozen=True, slots=True)
class GeminiContent:
    """The dialect of generateContent and of its token counts, unchanged."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put the caller's body to the deployment."""
        method = "streamGenerateContent" if call.is_stream else "generateContent"
        if call.endpoint is Endpoint.CONTENT_TOKENS:
            method = "countTokens"
        body = {name: value for name, value in call.body.items() if name not in _NOT_THEIRS}
        return content_request(to, body, method)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read of a whole answer what is billed."""
        if call.endpoint is Endpoint.CONTENT_TOKENS:
            counted = parsed(body)
            if not isinstance(counted.get("totalTokens"), int):
                raise malformed("has no `totalTokens`")
            return Reply(counted, Usage(), None)
        response = read_response(body)
        return Reply(
            body=response,
            usage=content_usage(response),
            response_id=text(response.get("responseId")) or None,
            text_bytes=_generated_bytes(response),
        )

    def decoder(self, call: Call) -> Decoder:  # noqa: ARG002 - every stream reads alike
        """Begin to read a streamed answer."""
        return JsonDecoder(_Passing())

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return content_failure(status, headers, body)


@dataclass(slots=True)
class _Passing:
    """Every response as it came, its usage read."""

    _has_stopped: bool = False

    def read(self, data: JsonObject) -> list[StreamEvent]:
        """Pass one response on."""
        if data.get("error"):
            return [StreamEvent(error=failure_inside(data))]
        candidates = mappings(data.get("candidates"))
        is_blocked = bool(mapping(data.get("promptFeedback")).get("blockReason"))
        ended = is_blocked or any(candidate.get("finishReason") for candidate in candidates)
        self._has_stopped = self._has_stopped or ended
        return [
            StreamEvent(
                data=data,
                usage=content_usage(data),
                text_bytes=_generated_bytes(data),
                response_id=text(data.get("responseId")) or None,
            )
        ]

    def close(self) -> list[StreamEvent]:
        """Take a stream as whole that told why it stopped."""
        return [StreamEvent(is_done=True)] * self._has_stopped


def _generated_bytes(response: JsonObject) -> int:
    """Count what was generated, text or arguments: it may stand for a missing usage."""
    return sum(
        len(text(part.get("text")).encode())
        + (len(orjson.dumps(part["functionCall"])) if "functionCall" in part else 0)
        for candidate in mappings(response.get("candidates"))
        for part in mappings(mapping(candidate.get("content")).get("parts"))
    )
