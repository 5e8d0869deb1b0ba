"""A provider that needs no key: OpenAI's API with the answers of answers.py."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from local.asgi import Hangup, Reply, Request, event, hang_up, send_events
from local.demo.answers import (
    JsonObject,
    Wrong,
    as_object,
    chat,
    completion,
    embeddings,
    error_body,
    models,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator

    from starlette.types import Receive, Scope, Send


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request."""
    request = Request(scope, receive)
    try:
        await answer(request, await request.body(), send)
    except Hangup:
        await hang_up(scope, request)


async def answer(request: Request, body: bytes, send: Send) -> None:
    """Answer a request whose body is read."""
    asked: JsonObject = {}
    try:
        asked = parse(body) if request.method == "POST" else {}
        reply = Reply(200, made(request.path, asked))
    except Wrong as error:
        reply = Reply(400, error_body(str(error), "invalid_request_error"))
    except KeyError:
        reply = Reply(404, error_body(f"Unknown path {request.path}", "invalid_request_error"))
    if reply.status == 200 and asked.get("stream"):  # noqa: PLR2004
        await send_events(_sent(events(request.path, asked)), request, send)
    else:
        await reply.send(send)


def parse(body: bytes) -> JsonObject:
    """Read a request's body; Wrong when it is no JSON object."""
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Wrong(f"We could not parse the JSON body of your request: {error}") from error
    if not isinstance(asked, dict):
        raise Wrong("The body of your request must be a JSON object")
    return asked


def made(path: str, asked: JsonObject) -> JsonObject:
    """Make the whole answer; KeyError for a path that is not served."""
    makers = {
        "/chat/completions": chat,
        "/completions": completion,
        "/embeddings": embeddings,
        "/models": models,
    }
    return makers[path.removeprefix("/v1")](asked)


def events(path: str, asked: JsonObject) -> Iterator[bytes]:
    """Make the server-sent events of a streamed answer."""
    whole = made(path, asked)
    base = {key: whole[key] for key in ("id", "created", "model")}
    wants_usage = bool(as_object(asked.get("stream_options")).get("include_usage"))
    base |= {"usage": None} if wants_usage else {}
    is_chat = path.endswith("/chat/completions")
    base["object"] = "chat.completion.chunk" if is_chat else "text_completion"
    for choice in _choices(whole):
        for delta in _deltas(choice) if is_chat else _texts(choice):
            yield event(orjson.dumps(base | {"choices": [delta]}))
    if wants_usage:
        yield event(orjson.dumps(base | {"choices": [], "usage": whole["usage"]}))
    yield event("[DONE]")


async def _sent(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


def _deltas(choice: JsonObject) -> Iterator[JsonObject]:
    def delta(says: JsonObject, finish: object = None) -> JsonObject:
        return {"index": choice["index"], "delta": says, "finish_reason": finish}

    yield delta({"role": "assistant", "content": ""})
    for word in _words(str(as_object(choice["message"])["content"])):
        yield delta({"content": word})
    yield delta({}, choice["finish_reason"])


def _texts(choice: JsonObject) -> Iterator[JsonObject]:
    for word in _words(str(choice["text"])):
        yield {"index": choice["index"], "text": word, "logprobs": None, "finish_reason": None}
    yield choice | {"text": ""}


def _words(text: str) -> Iterator[str]:
    words = text.split(" ")
    yield from (f"{word} " for word in words[:-1])
    yield words[-1]


def _choices(whole: JsonObject) -> list[JsonObject]:
    choices = whole.get("choices")
    if not isinstance(choices, list):
        raise Wrong("this endpoint does not stream")
    return choices
