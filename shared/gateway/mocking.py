"""Answers without a provider: `mock_response` and the failures that LiteLLM's users test with.

What is played is a chat in OpenAI's words, told at each entrance as any vendor's would be.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Usage
from shared.errors import BadRequest, ContentPolicyViolated, ContextWindowExceeded, ProviderFailed
from shared.gateway.replaying import Replay
from shared.providers.registry import telling
from shared.spend.tokens import estimate, tokens_of_bytes

if TYPE_CHECKING:
    from shared.controls import Mock
    from shared.domain import Json, JsonObject
    from shared.gateway.running import Running
    from shared.providers.dialect import Dialect, Reply

_MOCKED: Final = "This is a mock error"
_ERRORS: Final = {
    "litellm.RateLimitError": (429, "throttling_error"),
    "litellm.InternalServerError": (500, "internal_server_error"),
    "litellm.Timeout": (408, "timeout_error"),
    "litellm.AuthenticationError": (401, "authentication_error"),
    "litellm.BadRequestError": (400, "invalid_request_error"),
}
_OF_REQUEST: Final[dict[str, type[ProviderFailed]]] = {
    "litellm.ContextWindowExceededError": ContextWindowExceeded,
    "litellm.ContentPolicyViolationError": ContentPolicyViolated,
}


def is_mocked(running: Running) -> bool:
    """Tell whether the caller wants the current deployment to be played."""
    mock = running.call.mock
    if mock is None:
        return False
    return mock.text is not None or mock.is_timeout or _fails_here(running, mock)


def fails_for_good(running: Running) -> bool:
    """Tell whether the current model is played, and would fail again if it were asked again."""
    mock = running.call.mock
    return is_mocked(running) and (mock is None or mock.fails != "rate_limit")


def is_played(running: Running) -> bool:
    """Tell whether nobody is asked: it is mocked, or the deployment never asks anybody.

    Such a deployment fails and answers like any other: it rests, its siblings and fallbacks answer.
    """
    return is_mocked(running) or running.deployment.mock_response is not None


async def mocked_reply(running: Running) -> Reply:
    """Return the answer that was asked for, or raise the failure."""
    text, usage = await _play(running)
    message: Json = {"role": "assistant", "content": text}
    choice: Json = {"index": 0, "finish_reason": "stop", "logprobs": None, "message": message}
    chat = _chat(running, [choice], usage)
    reply = _entrance(running).reply(running.call, orjson.dumps(chat))
    return replace(reply, usage=usage)


async def mocked_stream(running: Running) -> Replay:
    """Return the answer that was asked for as a stream, word by word."""
    text, usage = await _play(running)
    words = text.split(" ")
    pieces = [word if i == 0 else f" {word}" for i, word in enumerate(words)]
    chunks = [_chunk(running, {"role": "assistant", "content": piece}) for piece in pieces]
    chunks.append(_chunk(running, {}, finish="stop"))
    chunks.append({**_chat(running, [], usage), "object": "chat.completion.chunk"})
    sent = [b"data: " + orjson.dumps(chunk) for chunk in chunks]
    decoder = _entrance(running).decoder(running.call)
    events = [*decoder.feed(b"\n\n".join([*sent, b"data: [DONE]", b""])), *decoder.end()]
    replay = Replay(())
    replay.first = [replace(event, usage=usage) if event.usage else event for event in events]
    return replay


async def _play(running: Running) -> tuple[str, Usage]:
    mock, text = running.call.mock, running.deployment.mock_response
    if mock is not None:
        await asyncio.sleep(mock.delay)
        text = text if mock.text is None else mock.text
    fails = mock is not None and (mock.is_timeout or _fails_here(running, mock))
    if fails or text is None:
        raise await _failed(running, mock)
    if text in _ERRORS:
        status, kind = _ERRORS[text]
        raise _failure(status, kind)
    if text in _OF_REQUEST:
        raise _of_request(_OF_REQUEST[text])
    usage = Usage(
        prompt_tokens=estimate(running.call),
        completion_tokens=max(1, tokens_of_bytes(len(text.encode()))),
        is_estimated=True,
    )
    return text, usage


async def _failed(running: Running, mock: Mock | None) -> ProviderFailed:
    told = f"This is a mock exception for model={running.quote.group}, to trigger a fallback."
    match mock.fails if mock is not None else None:
        case "context_window":
            return _of_request(ContextWindowExceeded, told)
        case "content_policy":
            return _of_request(ContentPolicyViolated, told)
        case "rate_limit":
            return _failure(429, "throttling_error", told)
        case "any":
            return _failure(500, "internal_server_error", told)
        case _:
            await asyncio.sleep(running.call.timeout or 0)
            return _failure(408, "timeout_error")


def _of_request(kind: type[ProviderFailed], told: str = _MOCKED) -> ProviderFailed:
    return kind(told, status=400, type="invalid_request_error", retryable=False)


def _failure(status: int, kind: str, told: str = _MOCKED) -> ProviderFailed:
    return ProviderFailed(told, status=status, type=kind, retryable=True)


def _fails_here(running: Running, mock: Mock) -> bool:
    """Tell whether the model that was asked for is to fail; its fallbacks or a retry answer."""
    if mock.fails == "rate_limit":
        return len(running.tried) == 1
    return mock.fails is not None and running.quote.group == running.quotes[0].group


def _entrance(running: Running) -> Dialect:
    """Return how a chat is told to this caller."""
    dialect = telling(running.call.endpoint)
    if dialect is None:
        told = "The model has a mock_response: it answers chats, completions, messages, responses."
        raise BadRequest(told, param="model")
    return dialect


def _chunk(running: Running, delta: JsonObject, finish: str | None = None) -> JsonObject:
    choice: Json = {"index": 0, "finish_reason": finish, "delta": delta}
    return {**_chat(running, [choice]), "object": "chat.completion.chunk"}


def _chat(running: Running, choices: list[Json], usage: Usage | None = None) -> JsonObject:
    chat: JsonObject = {
        "id": f"chatcmpl-{running.call.id}",
        "object": "chat.completion",
        "created": running.gateway.clock.now() // 1000,
        "model": running.call.model,
        "choices": choices,
    }
    if usage is not None:
        chat["usage"] = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
    return chat
