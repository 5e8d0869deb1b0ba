"""Bodies of calls that are right, and what is read from one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.datastructures import Headers

from shared.domain import Call, Endpoint, JsonObject
from shared.errors import BadRequest
from shared.wire.llm_requests import parse_call

if TYPE_CHECKING:
    from collections.abc import Mapping


CHAT: JsonObject = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hi"}]}


COMPLETION: JsonObject = {"model": "gpt-4o", "prompt": "Once"}


EMBEDDING: JsonObject = {"model": "embed", "input": "Hi"}


MESSAGES: JsonObject = {**CHAT, "max_tokens": 100}


BODIES = {
    Endpoint.MESSAGES: MESSAGES,
    Endpoint.COUNT_TOKENS: MESSAGES,
    Endpoint.CHAT: CHAT,
    Endpoint.COMPLETION: COMPLETION,
    Endpoint.EMBEDDING: EMBEDDING,
    Endpoint.RESPONSES: {"model": "gpt-4o", "input": "Hi"},
    Endpoint.MODERATION: {"input": "Hi"},
    Endpoint.RERANK: {"model": "rank", "query": "Hi", "documents": ["Ho"]},
    Endpoint.IMAGE: {"model": "image", "prompt": "A cat"},
    Endpoint.IMAGE_EDIT: {"model": "image", "prompt": "A cat"},
    Endpoint.SPEECH: {"model": "say", "input": "Hi", "voice": "alloy"},
    Endpoint.TRANSCRIPTION: {"model": "hear"},
}


def parse(
    body: JsonObject,
    headers: Mapping[str, str] | None = None,
    endpoint: Endpoint = Endpoint.CHAT,
) -> Call:
    return parse_call(endpoint, body, Headers(headers), id="own-id", requester_ip="10.0.0.1")


def chat(fields: JsonObject | None = None, headers: Mapping[str, str] | None = None) -> Call:
    return parse({**CHAT, **(fields or {})}, headers)


def refusal(
    body: JsonObject,
    headers: Mapping[str, str] | None = None,
    endpoint: Endpoint = Endpoint.CHAT,
) -> BadRequest:
    with pytest.raises(BadRequest) as caught:
        parse(body, headers, endpoint)
    return caught.value
