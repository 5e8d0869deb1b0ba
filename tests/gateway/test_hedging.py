"""Hedged requests through the door: a late deployment gets company, and only one is billed."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain import Endpoint
from shared.gateway.serve import serve as serve_call
from shared.spend.ids import uuid7
from shared.wire.llm_requests import parse_call
from tests.gateway.given import CALL, CHAT, counter, ledger, model, names, price_of
from tests.provider import Behaviour, Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from local.door.server import DoorThread
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

HEDGED: Any = {"router_settings": {"hedged_requests": True, "num_retries": 0}}
SLOW = Behaviour(holds=-1)


def both(first: Provider, second: Provider, **params: Any) -> list[Any]:  # noqa: ANN401 - parameters
    """Two deployments, of which the first is always asked first."""
    return [
        model("gpt", first.url, weight=1, model_info={"id": "first"}),
        model("gpt", second.url, weight=0, model_info={"id": "second"}, **params),
    ]


async def given_latencies(gateway: Gateway, milliseconds: int = 50, count: int = 20) -> None:
    """Let the group have answered so often, so quickly."""
    for number in range(count):
        member = f"{milliseconds}:1000:{milliseconds}:r{number}"
        now = gateway.clock.now()
        await gateway.stores.redis.execute(["ZADD", "latency:second", now, member])


async def no_slot_is_left(gateway: Gateway) -> None:
    async with asyncio.timeout(60):
        while await names(gateway, "parallel:deployment:*"):  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_late_deployment_gets_company_and_only_the_winner_is_billed(
    proxy: Proxy, given: Given, provider: Provider, other: Provider, *, stream: bool
) -> None:
    gateway, client = await proxy(*both(provider, other), **HEDGED)
    await given_latencies(gateway)
    key = await given.key(max_budget=1)
    provider.default = SLOW

    call = {**CALL, "stream": stream, "stream_options": {"include_usage": True}}
    reply = await client.post(CHAT, json=call if stream else CALL, headers=key.headers)

    assert (200, "second") == (reply.status_code, reply.headers["x-litellm-model-id"])
    await provider.lost(1)
    (row,) = await ledger(gateway, 1)
    price = price_of(int(row["prompt_tokens"]), int(row["completion_tokens"]))
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert 0 < price
    assert (str(price), str(price), "0") == (row["spend"], budget["spent"], budget["reserved"])
    assert 2 == json.loads(row["row"])["metadata"]["attempts"]
    await no_slot_is_left(gateway)


async def test_that_a_loser_took_so_long_is_a_sample_of_its_latency(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(*both(provider, other), **HEDGED)
    await given_latencies(gateway)
    key = await given.key()
    provider.default = SLOW

    await client.post(CHAT, json=CALL, headers=key.headers)

    found: Any = await gateway.stores.redis.execute(["ZRANGE", "latency:first", 0, -1])
    assert 50 <= int(found[0].split(":")[0])


async def test_a_quick_answer_asks_nobody_else(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(*both(provider, other), **HEDGED)
    await given_latencies(gateway, milliseconds=20_000)
    key = await given.key()

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert ("first", []) == (reply.headers["x-litellm-model-id"], other.requests)


@pytest.mark.parametrize("sections", [{}, {"router_settings": {"hedged_requests": ["another"]}}])
async def test_without_being_asked_for_nobody_gets_company(
    proxy: Proxy, given: Given, provider: Provider, other: Provider, sections: dict[str, Any]
) -> None:
    gateway, client = await proxy(*both(provider, other), **sections)
    await given_latencies(gateway, milliseconds=1)
    key = await given.key()
    provider.default = Behaviour(seconds_before_head=0.2)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert ("first", []) == (reply.headers["x-litellm-model-id"], other.requests)


async def test_the_first_may_still_win(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(*both(provider, other), **HEDGED)
    await given_latencies(gateway)
    key = await given.key()
    provider.default = other.default = SLOW

    asked = asyncio.create_task(client.post(CHAT, json=CALL, headers=key.headers))
    await other.received(1)
    provider.release()

    assert "first" == (await asked).headers["x-litellm-model-id"]
    await other.lost(1)
    await no_slot_is_left(gateway)


async def test_a_second_that_fails_is_booked_and_the_first_goes_on(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(*both(provider, other), **HEDGED)
    await given_latencies(gateway)
    key = await given.key()
    provider.default, other.default = SLOW, Behaviour(status=429)

    asked = asyncio.create_task(client.post(CHAT, json=CALL, headers=key.headers))
    async with asyncio.timeout(60):
        while not await names(gateway, "cooldown:second"):  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.01)
    provider.release()

    reply = await asked
    assert (200, "first") == (reply.status_code, reply.headers["x-litellm-model-id"])
    await no_slot_is_left(gateway)


async def test_a_first_that_fails_leaves_the_call_to_the_second(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(*both(provider, other), **HEDGED)
    await given_latencies(gateway)
    key = await given.key()
    provider.default, other.default = Behaviour(holds=-1, status=500), SLOW

    asked = asyncio.create_task(client.post(CHAT, json=CALL, headers=key.headers))
    await other.received(1)
    provider.release()
    async with asyncio.timeout(60):
        while not await names(gateway, "ratelimit:deployment:first:*"):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    other.release()

    assert "second" == (await asked).headers["x-litellm-model-id"]
    assert "0" != (await ledger(gateway, 1))[0]["spend"]
    await no_slot_is_left(gateway)


async def test_when_both_fail_the_call_fails_once_and_costs_nothing(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(*both(provider, other), **HEDGED)
    await given_latencies(gateway)
    key = await given.key()
    provider.default, other.default = Behaviour(holds=-1, status=500), Behaviour(status=503)

    asked = asyncio.create_task(client.post(CHAT, json=CALL, headers=key.headers))
    await other.received(1)
    provider.release()

    assert 500 <= (await asked).status_code
    assert ["0"] == [row["spend"] for row in await ledger(gateway, 1)]
    await no_slot_is_left(gateway)


async def test_a_second_without_room_is_not_asked(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(*both(provider, other, max_parallel_requests=1), **HEDGED)
    await given_latencies(gateway)
    lease = ["ZADD", "parallel:deployment:second", gateway.clock.now() + 60_000, "another"]
    await gateway.stores.redis.execute(lease)
    key = await given.key()
    provider.default = Behaviour(seconds_before_head=0.2)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert ("first", []) == (reply.headers["x-litellm-model-id"], other.requests)


async def test_how_long_a_group_takes_is_read_once_for_many_calls(
    proxy: Proxy, given: Given, provider: Provider, other: Provider, door: DoorThread
) -> None:
    gateway, client = await proxy(*both(provider, other), **HEDGED)
    await given_latencies(gateway, milliseconds=20_000)
    key = await given.key()
    provider.default = Behaviour(seconds_before_head=0.05)
    await client.post(CHAT, json=CALL, headers=key.headers)
    await ledger(gateway, 1)
    door.calls.reset()

    await client.post(CHAT, json=CALL, headers=key.headers)
    await ledger(gateway, 2)

    assert 2 == door.calls.by_command["EVALSHA"]


async def test_a_caller_who_leaves_ends_both(
    open_gateway: Callable[..., Gateway],
    given: Given,
    provider: Provider,
    other: Provider,
) -> None:
    gateway = open_gateway(*both(provider, other), **HEDGED)
    await given_latencies(gateway)
    key = await given.key(max_budget=1)
    provider.default = other.default = SLOW
    call = parse_call(Endpoint.CHAT, CALL, {}, id=uuid7(gateway.clock.now()))
    asked = asyncio.create_task(serve_call(gateway, key.headers, call, "/chat/completions"))
    await other.received(1)

    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked

    await provider.lost(1)
    await other.lost(1)
    assert "0" == (await counter(gateway, f"budget:key:{key.hash}:-"))["reserved"]
    await no_slot_is_left(gateway)
