"""Streams under strain: silence, broken events, slow callers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from tests.gateway.given import CHAT, ledger
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

STREAM = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "stream": True}


async def test_a_silent_provider_does_not_leave_the_caller_in_silence(
    gateway: Gateway,
    serve: Callable[[Gateway], Awaitable[httpx.AsyncClient]],
    given: Given,
    provider: Provider,
) -> None:
    client = await serve(replace(gateway, keep_alive_seconds=0.02))
    key = await given.key()
    provider.next(Behaviour(holds=1))

    comments, last = 0, ""
    async with client.stream("POST", CHAT, json=STREAM, headers=key.headers) as reply:
        async for line in reply.aiter_lines():
            comments += line == ": keep-alive"
            if comments == 3:
                provider.release()
            last = line or last

    assert comments >= 3
    assert "data: [DONE]" == last


async def test_a_malformed_event_becomes_an_error_event(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, provider: Provider
) -> None:
    key = await given.key()
    first = {"id": "c", "choices": [{"index": 0, "delta": {"content": "Hi"}}]}
    provider.next(Behaviour(chunks=[b"data: " + orjson.dumps(first) + b"\n\n", b"data: {no\n\n"]))

    reply = await client.post(CHAT, json=STREAM, headers=key.headers)

    events = [part for part in reply.text.split("\n\n") if part]
    assert "internal_server_error" == orjson.loads(events[1][6:])["error"]["type"]
    assert "data: [DONE]" == events[-1]
    (row,) = await ledger(gateway, 1)
    assert "failure" == orjson.loads(row["row"])["metadata"]["status"]
