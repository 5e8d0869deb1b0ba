"""Calls, deployments and streams to try dialects with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.domain import Call, Deployment, Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject
    from shared.providers.dialect import Decoder, StreamEvent

HELLO: JsonObject = {"model": "fast", "messages": [{"role": "user", "content": "Hello"}]}


def call(
    body: Mapping[str, Json] = HELLO,
    endpoint: Endpoint = Endpoint.CHAT,
    *,
    is_stream: bool = False,
    wants_usage_chunk: bool = False,
) -> Call:
    return Call(
        id="0",
        endpoint=endpoint,
        model="fast",
        body=body,
        is_stream=is_stream,
        wants_usage_chunk=wants_usage_chunk,
    )


def deployment(provider: str = "openai", **changed: object) -> Deployment:
    fields: dict[str, object] = {
        "id": "d",
        "model_group": "fast",
        "provider": provider,
        "model": "gpt-4o",
        "api_base": "https://api.example.com/v1",
        "api_key": "sk-secret",
    }
    return Deployment(**{**fields, **changed})  # pyright: ignore[reportArgumentType] - a builder


def sse(*chunks: Json, done: bool = True) -> bytes:
    frames = [b"data: " + orjson.dumps(chunk) + b"\n\n" for chunk in chunks]
    return b"".join(frames) + (b"data: [DONE]\n\n" if done else b"")


def delta(content: str | None = None, **more: Json) -> JsonObject:
    choice: JsonObject = {"index": 0, "delta": {"content": content}, "finish_reason": None}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **more}


def last_delta(**more: Json) -> JsonObject:
    choice: JsonObject = {"index": 0, "delta": {}, "finish_reason": "stop"}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], **more}


def decoded(decoder: Decoder, *pieces: bytes) -> list[StreamEvent]:
    events = [event for piece in pieces for event in decoder.feed(piece)]
    return events + decoder.end()


def said(role: str, content: Json, **more: Json) -> JsonObject:
    return {"role": role, "content": content, **more}
