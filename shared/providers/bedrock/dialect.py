"""Bedrock's Converse asked by callers who speak OpenAI's chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from shared.domain import HttpRequest
from shared.providers.bedrock.frames import FrameDecoder
from shared.providers.bedrock.place import bedrock_failure, bedrock_headers, bedrock_url
from shared.providers.bedrock.reply import ChatMeaning, chat_reply
from shared.providers.bedrock.request import converse_body
from shared.providers.chunks import ChunkWriter
from shared.providers.failures import malformed
from shared.providers.reading import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Reply


@dataclass(frozen=True, slots=True)
class Bedrock:
    """The dialect of Converse and ConverseStream."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put a chat to the deployment; LiteLLM's `converse/` before a model says no more."""
        model = to.model.removeprefix("converse/")
        method = "converse-stream" if call.is_stream else "converse"
        body = orjson.dumps(converse_body(call, to))
        return HttpRequest("POST", bedrock_url(to, model, method), bedrock_headers(to), body)

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
        return FrameDecoder(ChatMeaning(chunks))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return bedrock_failure(status, headers, body)
