"""Bedrock's Converse asked by callers who speak OpenAI's chat, with a Bedrock API key.

The key is a bearer token (docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html, read
2026-11), so nothing has to be signed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import orjson

from shared.domain import HttpRequest
from shared.errors import ProviderFailed
from shared.providers.bedrock.frames import Broken, Frame, FrameParser
from shared.providers.bedrock.reply import ChatMeaning, chat_reply
from shared.providers.bedrock.request import converse_body
from shared.providers.chunks import ChunkWriter
from shared.providers.dialect import StreamEvent
from shared.providers.failures import failure, malformed
from shared.providers.reading import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment
    from shared.providers.dialect import Decoder, Reply

_MODEL_ERROR: Final = 424
_STATUSES: Final[Mapping[str, int]] = {
    "throttlingException": 429,
    "validationException": 400,
    "modelStreamErrorException": 502,
    "serviceUnavailableException": 503,
    "modelTimeoutException": 408,
}


@dataclass(frozen=True, slots=True)
class Bedrock:
    """The dialect of Converse and ConverseStream."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put a chat to the deployment; LiteLLM's `converse/` before a model says no more."""
        model = quote(to.model.removeprefix("converse/"), safe="")
        method = "converse-stream" if call.is_stream else "converse"
        headers = {"content-type": "application/json"}
        if to.api_key:
            headers["authorization"] = f"Bearer {to.api_key}"
        return HttpRequest(
            "POST",
            f"{to.api_base.rstrip('/')}/model/{model}/{method}",
            {**headers, **to.extra_headers},
            orjson.dumps(converse_body(call, to)),
        )

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole answer."""
        told = parsed(body)
        if not isinstance(told.get("output"), dict):
            raise malformed("has no `output`")
        return chat_reply(call, told)

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed answer."""
        chunks = ChunkWriter.of(call)
        chunks.id = f"chatcmpl-{call.id}"
        return BedrockDecoder(ChatMeaning(chunks))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown; 424 is the model's own failure, not the caller's."""
        return failure(502 if status == _MODEL_ERROR else status, headers, body)


@dataclass(slots=True)
class BedrockDecoder:
    """A stream of binary frames."""

    meaning: ChatMeaning
    _parser: FrameParser = field(default_factory=FrameParser)
    _is_over: bool = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        frames: list[Frame] = []
        is_broken = False
        if self._is_over:
            return []
        try:
            self._parser.feed(chunk, frames)
        except Broken:
            is_broken = True
        events: list[StreamEvent] = []
        for frame in frames:
            events += self._read(frame)
            if events and (events[-1].is_done or events[-1].error):
                self._is_over = True
                return events
        if is_broken:
            self._is_over = True
            events.append(StreamEvent(error=malformed("is no event stream")))
        return events

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        if self._is_over:
            return []
        self._is_over = True
        if self.meaning.has_stopped:
            return self.meaning.chunks.done(None)
        return [StreamEvent(error=malformed("ended before it was complete"))]

    def _read(self, frame: Frame) -> list[StreamEvent]:
        kind = frame.headers.get(":exception-type") or frame.headers.get(":error-code")
        if kind is not None:
            return [StreamEvent(error=failure(_STATUSES.get(kind, 502), {}, frame.payload))]
        try:
            return self.meaning.read(frame.headers.get(":event-type", ""), parsed(frame.payload))
        except ProviderFailed as error:
            return [StreamEvent(error=error)]
