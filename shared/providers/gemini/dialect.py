"""Gemini asked by callers who speak OpenAI's chat: AI Studio, and Vertex, which differs in paths.

A stream is whole responses, each with what is new and with the usage so far; it ends by closing
(ai.google.dev/api/generate-content, read 2026-11).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import orjson

from shared.domain import HttpRequest
from shared.providers.chunks import ChunkWriter
from shared.providers.decoding import JsonDecoder
from shared.providers.dialect import StreamEvent
from shared.providers.failures import failure, failure_inside, malformed
from shared.providers.gemini.extras import with_sources
from shared.providers.gemini.reply import chat_reply, finish_reason, pieces, refuse_if_blocked
from shared.providers.gemini.request import content_body
from shared.providers.gemini.usage import content_usage
from shared.providers.reading import mapping, mappings, parsed, text
from shared.providers.usage import larger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, JsonObject, Usage
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Reply

_RETRY_DELAY: Final = re.compile(rb'"retryDelay"\s*:\s*"(\d{1,6}(?:\.\d+)?)s"')
_API_KEY: Final = re.compile(r"AIza|AQ\.")


@dataclass(frozen=True, slots=True)
class Gemini:
    """The dialect of generateContent."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put a chat to the deployment."""
        method = "streamGenerateContent" if call.is_stream else "generateContent"
        return content_request(to, content_body(call, to), method)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole answer."""
        return chat_reply(call, read_response(body))

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed answer."""
        return JsonDecoder(_ChatMeaning(ChunkWriter.of(call)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return content_failure(status, headers, body)


def content_request(to: Deployment, body: JsonObject, method: str) -> HttpRequest:
    """Address a body; a key of Google's API goes into its header, any other is a bearer token."""
    url = f"{to.api_base.rstrip('/')}/models/{quote(to.model, safe='')}:{method}"
    if method.startswith("stream"):
        url += "?alt=sse"
    headers = {"content-type": "application/json"}
    if to.api_key and (to.provider == "gemini" or _API_KEY.match(to.api_key)):
        headers["x-goog-api-key"] = to.api_key
    elif to.api_key:
        headers["authorization"] = f"Bearer {to.api_key}"
    return HttpRequest("POST", url, {**headers, **to.extra_headers}, orjson.dumps(body))


def read_response(body: bytes) -> JsonObject:
    """Read a whole response; raise ProviderFailed when it is none."""
    response = parsed(body)
    if response.get("error"):
        raise failure_inside(response)
    if "candidates" not in response and "promptFeedback" not in response:
        raise malformed("has no `candidates`")
    return response


def content_failure(status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
    """Read an error: a wrong key is told as 400, and how long to wait within the body."""
    if b"API_KEY_INVALID" in body:
        status = 401
    if (delay := _RETRY_DELAY.search(body)) and "retry-after" not in headers:
        headers = {**headers, "retry-after": delay[1].decode()}
    return failure(status, headers, body)


@dataclass(slots=True)
class _ChatMeaning:
    """What Gemini's responses mean in a chat's stream."""

    chunks: ChunkWriter
    _usage: Usage | None = None
    _calls: dict[int, int] = field(default_factory=dict[int, int])
    _said: dict[int, str] = field(default_factory=dict[int, str])
    _has_begun: bool = False
    _has_stopped: bool = False

    def read(self, data: JsonObject) -> list[StreamEvent]:
        """Translate one response."""
        if data.get("error"):
            return [StreamEvent(error=failure_inside(data))]
        refuse_if_blocked(data)
        self.chunks.id = self.chunks.id or text(data.get("responseId"))
        told = content_usage(data)
        self._usage = larger(told, self._usage) if told and self._usage else told or self._usage
        events = [self._candidate(candidate) for candidate in mappings(data.get("candidates"))]
        return [event for event in events if event is not None]

    def close(self) -> list[StreamEvent]:
        """Take a stream as whole that told why it stopped."""
        return self.chunks.done(self._usage) if self._has_stopped else []

    def _candidate(self, candidate: JsonObject) -> StreamEvent | None:
        found = candidate.get("index", 0)
        index = found if isinstance(found, int) else 0
        made = self._calls.get(index, 0)
        suffix = f"{self.chunks.id}_{index}" if index else self.chunks.id
        delta = pieces(mappings(mapping(candidate.get("content")).get("parts")), suffix, made)
        if calls := mappings(delta.get("tool_calls")):
            self._calls[index] = made + len(calls)
            delta["tool_calls"] = [{"index": made + i, **call} for i, call in enumerate(calls)]
        delta = with_sources(delta, candidate, self._so_far(index, text(delta.get("content"))))
        reason = finish_reason(candidate, has_calls=index in self._calls)
        self._has_stopped = self._has_stopped or reason is not None
        if not delta and reason is None:
            return None
        if not self._has_begun:
            self._has_begun = True
            delta = {"role": "assistant", **delta}
        return self.chunks.delta(delta, reason, index=index, usage=self._usage)

    def _so_far(self, index: int, said: str) -> str:
        """Join a choice's words: what Google tells of sources is of all of them."""
        self._said[index] = self._said.get(index, "") + said
        return self._said[index]
