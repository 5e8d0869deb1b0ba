"""Callers who leave in the middle: their slots come back, what was generated is billed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.gateway.given import CHAT, counter, ledger
from tests.provider import Behaviour

if TYPE_CHECKING:
    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

STREAM = {
    "model": "gpt",
    "messages": [{"role": "user", "content": "Hello"}],
    "max_tokens": 20,
    "stream": True,
}


async def leave_after_the_first_chunk(client: httpx.AsyncClient, key: GivenKey) -> None:
    async with client.stream("POST", CHAT, json=STREAM, headers=key.headers) as reply:
        await anext(reply.aiter_bytes())


async def test_fifty_callers_who_leave_mid_stream_are_billed_and_hold_nothing(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, provider: Provider
) -> None:
    key = await given.key(max_budget=100, max_parallel_requests=50)
    provider.default = Behaviour(holds=3)

    await asyncio.gather(*(leave_after_the_first_chunk(client, key) for _ in range(50)))

    rows = await ledger(gateway, 50)
    await provider.lost(50)
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert (50, "0") == (len(rows), budget["reserved"])
    assert all(int(row["spend"]) > 0 for row in rows)
    assert sum(int(row["spend"]) for row in rows) == int(budget["spent"])
    slots = await gateway.stores.redis.execute(["ZCARD", f"parallel:key:{key.hash}"])
    assert 0 == slots


async def test_a_buffered_call_whose_caller_left_completes_and_is_billed(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, provider: Provider
) -> None:
    key = await given.key(max_budget=1)
    provider.next(Behaviour(holds=0))
    body = {**STREAM, "stream": False}
    leaving = asyncio.create_task(client.post(CHAT, json=body, headers=key.headers))
    await provider.received(1)

    leaving.cancel()
    await asyncio.wait({leaving})
    provider.release()

    (row,) = await ledger(gateway, 1)
    assert int(row["spend"]) > 0
