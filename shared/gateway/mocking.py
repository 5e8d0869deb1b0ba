"""Answers without a provider: `mock_response` and the failures that LiteLLM's users test with."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from shared.domain import Endpoint, Usage
from shared.errors import ContentPolicyViolated, ContextWindowExceeded, ProviderFailed
from shared.gateway.replaying import Replay
from shared.providers.dialect import Reply, StreamEvent
from shared.spend.tokens import estimate, tokens_of_bytes

if TYPE_CHECKING:
    from shared.controls import Mock
    from shared.domain import JsonObject
    from shared.gateway.running import Running

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
    """Tell whether the current deployment is played by us."""
    mock = running.call.mock
    if mock is None:
        return False
    return mock.text is not None or mock.is_timeout or _fails_here(running, mock)


def fails_for_good(running: Running) -> bool:
    """Tell whether the current model is played, and would fail again if it were asked again."""
    mock = running.call.mock
    return is_mocked(running) and (mock is None or mock.fails != "rate_limit")


async def mocked_reply(running: Running) -> Reply:
    """Return the answer that was asked for, or raise the failure."""
    text, usage = await _play(running)
    body = _body(running, text, usage)
    return Reply(body, usage, str(body["id"]), len(text.encode()))


async def mocked_stream(running: Running) -> Replay:
    """Return the answer that was asked for as a stream, word by word."""
    text, usage = await _play(running)
    replay = Replay(())
    words = text.split(" ")
    pieces = [word if i == 0 else f" {word}" for i, word in enumerate(words)]
    replay.first = [_event(running, piece) for piece in pieces]
    replay.first.append(_event(running, "", finish="stop"))
    shown = _chunk(running, [], usage) if running.call.wants_usage_chunk else None
    replay.first.append(StreamEvent(data=shown, usage=usage))
    replay.first.append(StreamEvent(is_done=True))
    return replay


async def _play(running: Running) -> tuple[str, Usage]:
    mock = running.call.mock
    if mock is not None:
        await asyncio.sleep(mock.delay)
    if mock is None or mock.text is None or mock.is_timeout or _fails_here(running, mock):
        raise await _failed(running, mock)
    text = mock.text
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


def _body(running: Running, text: str, usage: Usage) -> JsonObject:
    choice: JsonObject = {"index": 0, "finish_reason": "stop", "logprobs": None}
    if running.call.endpoint is Endpoint.CHAT:
        choice["message"] = {"role": "assistant", "content": text}
    else:
        choice["text"] = text
    return {**_chunk(running, [choice], usage), "object": _kind(running, is_chunk=False)}


def _event(running: Running, piece: str, finish: str | None = None) -> StreamEvent:
    choice: JsonObject = {"index": 0, "finish_reason": finish}
    if running.call.endpoint is Endpoint.CHAT:
        choice["delta"] = {} if finish else {"role": "assistant", "content": piece}
    else:
        choice["text"] = piece
    chunk = _chunk(running, [choice])
    return StreamEvent(data=chunk, text_bytes=len(piece.encode()), response_id=str(chunk["id"]))


def _chunk(running: Running, choices: list[JsonObject], usage: Usage | None = None) -> JsonObject:
    chunk: JsonObject = {
        "id": f"chatcmpl-{running.call.id}",
        "object": _kind(running, is_chunk=True),
        "created": running.gateway.clock.now() // 1000,
        "model": running.call.model,
        "choices": [*choices],
    }
    if usage is not None:
        chunk["usage"] = {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        }
    return chunk


def _kind(running: Running, *, is_chunk: bool) -> str:
    if running.call.endpoint is not Endpoint.CHAT:
        return "text_completion"
    return "chat.completion.chunk" if is_chunk else "chat.completion"
