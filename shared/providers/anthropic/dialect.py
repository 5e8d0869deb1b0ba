"""Anthropic asked by callers who speak OpenAI's chat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import HttpRequest
from shared.providers.anthropic.reply import chat_reply
from shared.providers.anthropic.request import messages_body
from shared.providers.anthropic.stream import ChatMeaning
from shared.providers.chunks import ChunkWriter
from shared.providers.decoding import JsonDecoder
from shared.providers.failures import failure, failure_inside, malformed
from shared.providers.reading import parsed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, JsonObject
    from shared.errors import ProviderFailed
    from shared.providers.dialect import Decoder, Reply

VERSION: Final = "2023-06-01"
_BETA: Final = "anthropic-beta"


@dataclass(frozen=True, slots=True)
class Anthropic:
    """The dialect of the Messages API."""

    def request(self, call: Call, to: Deployment) -> HttpRequest:
        """Put a chat to the deployment."""
        return messages_request(call, to, messages_body(call, to))

    def reply(self, call: Call, body: bytes) -> Reply:
        """Read a whole message."""
        return chat_reply(call, read_message(body))

    def decoder(self, call: Call) -> Decoder:
        """Begin to read a streamed message."""
        return JsonDecoder(ChatMeaning(ChunkWriter.of(call)))

    def error(self, status: int, headers: Mapping[str, str], body: bytes) -> ProviderFailed:
        """Read a refusal or a breakdown."""
        return failure(status, headers, body)


def messages_request(
    call: Call, to: Deployment, body: JsonObject, path: str = "/v1/messages"
) -> HttpRequest:
    """Address a body: the key is the deployment's, the version and the betas may be the caller's.

    LiteLLM's base URL is the host alone; one that ends in `/v1` is understood as well.
    """
    base, question, query = to.api_base.partition("?")
    url = base.rstrip("/").removesuffix("/v1") + path + question + query
    extra = {name.lower(): value for name, value in to.extra_headers.items()}
    headers = {
        "content-type": "application/json",
        "anthropic-version": VERSION,
        **({"x-api-key": to.api_key} if to.api_key else {}),
        **call.headers,
        **extra,
    }
    betas = [held[_BETA] for held in (call.headers, extra) if held.get(_BETA)]
    if betas:
        headers[_BETA] = ",".join(betas)
    return HttpRequest("POST", url, headers, orjson.dumps(body))


def read_message(body: bytes) -> JsonObject:
    """Read a whole message; raise ProviderFailed when it is none."""
    message = parsed(body)
    if message.get("type") == "error" or message.get("error"):
        raise failure_inside(message)
    if not isinstance(message.get("content"), list):
        raise malformed("has no `content`")
    return message
