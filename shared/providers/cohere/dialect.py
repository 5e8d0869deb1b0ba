"""Cohere's chat, version 2: near to OpenAI's in its messages, its own in parameters and events.

By docs.cohere.com/reference/chat, /reference/chat-stream and /v2/docs/streaming, and the method
`chat` of cohere 7.3, read 2026-11.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from shared.domain import HttpRequest
from shared.providers.chunks import ChunkWriter
from shared.providers.cohere.reply import ChatMeaning, chat_reply
from shared.providers.cohere.request import chat_body
from shared.providers.decoding import JsonDecoder
from shared.providers.failures import failure
from shared.providers.reading import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Reply


@dataclass(frozen=True, slots=True)
class Cohere:
    """The dialect of `/v2/chat`."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put a chat to the deployment; LiteLLM's base URL is the host alone."""
        base = to.api_base.rstrip("/").removesuffix("/v2/chat").removesuffix("/v2")
        headers = {"content-type": "application/json"}
        if to.api_key:
            headers["authorization"] = f"Bearer {to.api_key}"
        body = orjson.dumps(chat_body(call, to))
        return HttpRequest("POST", f"{base}/v2/chat", {**headers, **to.extra_headers}, body)

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole answer."""
        return chat_reply(call, parsed(body))

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed answer."""
        return JsonDecoder(ChatMeaning(ChunkWriter.of(call)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return failure(status, headers, body)
