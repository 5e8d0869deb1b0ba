"""Strategies and deployment limits through the door, by several processes that share Redis."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.given import CALL, CHAT, ledger, model, names
from tests.gateway.processes import processes
from tests.provider import Behaviour, Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    import httpx

    from local.door.server import DoorThread
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]


def by(strategy: str) -> Any:  # noqa: ANN401 - sections of a configuration
    return {"router_settings": {"routing_strategy": strategy}}


async def test_least_busy_is_the_same_for_two_processes(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    both = [model("gpt", provider.url), model("gpt", other.url)]
    clients = [(await proxy(*both, **by("least-busy")))[1] for _ in range(2)]
    key = await given.key()
    provider.default = other.default = Behaviour(holds=-1)

    calls = [
        asyncio.create_task(clients[i % 2].post(CHAT, json=CALL, headers=key.headers))
        for i in range(10)
    ]
    async with asyncio.timeout(60):
        while len(provider.requests) + len(other.requests) < 10:  # noqa: ASYNC110 - two are polled
            await asyncio.sleep(0.01)

    assert (5, 5) == (len(provider.requests), len(other.requests))
    provider.release()
    other.release()
    assert [200] * 10 == [reply.status_code for reply in await asyncio.gather(*calls)]


async def test_latency_based_leaves_the_slow_one(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url), model("gpt", other.url), **by("latency-based-routing")
    )
    key = await given.key()
    provider.default = Behaviour(seconds_before_head=0.3)

    for settled in range(8):
        await ledger(gateway, settled)
        await client.post(CHAT, json=CALL, headers=key.headers)

    assert (1, 7) == (len(provider.requests), len(other.requests))
    assert 2 == len(await names(gateway, "latency:*"))


async def test_cost_based_asks_the_cheapest(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    _, client = await proxy(
        model("gpt", provider.url, output_cost_per_token=0.1),
        model("gpt", other.url),
        **by("cost-based-routing"),
    )
    key = await given.key()

    for _ in range(5):
        await client.post(CHAT, json=CALL, headers=key.headers)

    assert (0, 5) == (len(provider.requests), len(other.requests))


async def test_a_deployments_rpm_holds_across_processes_and_the_rest_goes_elsewhere(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    both = [model("gpt", provider.url, rpm=3, order=1), model("gpt", other.url, rpm=4, order=2)]
    clients = [(await proxy(*both))[1] for _ in range(2)]
    key = await given.key()

    replies = await asyncio.gather(
        *(clients[i % 2].post(CHAT, json=CALL, headers=key.headers) for i in range(12))
    )

    assert (3, 4) == (len(provider.requests), len(other.requests))
    refused = [reply for reply in replies if reply.status_code != 200]
    assert [429] * 5 == [reply.status_code for reply in refused]
    assert all(0 < int(reply.headers["retry-after"]) <= 60 for reply in refused)


@pytest.mark.parametrize("stream", [False, True])
async def test_no_slot_is_left_when_calls_have_ended(
    proxy: Proxy, given: Given, provider: Provider, *, stream: bool
) -> None:
    gateway, client = await proxy(model("gpt", provider.url, max_parallel_requests=1))
    key = await given.key()
    for behaviour in (Behaviour(), Behaviour(status=400), Behaviour(resets=1)):
        provider.next(behaviour)
        await client.post(CHAT, json={**CALL, "stream": stream}, headers=key.headers)

    async with asyncio.timeout(60):
        while await names(gateway, "parallel:deployment:*"):  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.01)

    assert [] == await names(gateway, "active_requests:*")


async def test_when_all_cool_a_call_rests_until_the_first_is_back_if_that_is_soon(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url, model_info={"id": "d"}))
    key = await given.key()
    soon = gateway.clock.now() + 300
    await gateway.stores.redis.execute(["SET", "cooldown:d", soon, "PXAT", soon])

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (200, 1) == (reply.status_code, len(provider.requests))
    assert gateway.clock.now() >= soon


@pytest.mark.parametrize(("milliseconds", "retries"), [(20_000, 2), (7_500, 0)])
async def test_when_that_is_late_or_the_caller_wants_no_retries_it_is_told_at_once(
    proxy: Proxy, given: Given, provider: Provider, milliseconds: int, retries: int
) -> None:
    gateway, client = await proxy(model("gpt", provider.url, model_info={"id": "d"}))
    key = await given.key()
    until = gateway.clock.now() + milliseconds
    await gateway.stores.redis.execute(["SET", "cooldown:d", until, "PXAT", until])

    call = {**CALL, "num_retries": retries}
    reply = await client.post(CHAT, json=call, headers=key.headers)

    assert (429, []) == (reply.status_code, provider.requests)
    assert gateway.clock.now() < until


async def test_processes_of_their_own_keep_one_count(
    given: Given,
    provider: Provider,
    other: Provider,
    door: DoorThread,
    postgres_dsn: str,
    tmp_path: Path,
) -> None:
    config: Any = {
        "model_list": [
            model("busy", provider.url),
            model("busy", other.url),
            model("few", provider.url, rpm=3, order=1),
            model("few", other.url, rpm=4, order=2),
        ],
        "router_settings": {"model_group_routing_strategy": {"busy": "least-busy"}},
    }
    key = await given.key()
    async with processes(2, config, tmp_path, door, postgres_dsn) as clients:

        async def ask(number: int, name: str) -> int:
            call = {**CALL, "model": name}
            client = clients[number % 2]
            return (await client.post(CHAT, json=call, headers=key.headers)).status_code

        provider.default = other.default = Behaviour(holds=-1)
        calls = [asyncio.create_task(ask(number, "busy")) for number in range(10)]
        async with asyncio.timeout(60):
            while len(provider.requests) + len(other.requests) < 10:  # noqa: ASYNC110 - two are polled
                await asyncio.sleep(0.01)
        busy = len(provider.requests), len(other.requests)
        for server in (provider, other):
            server.reset()
        assert [200] * 10 == await asyncio.gather(*calls)

        few = await asyncio.gather(*(ask(number, "few") for number in range(12)))

    assert ((5, 5), (3, 4)) == (busy, (len(provider.requests), len(other.requests)))
    assert [200] * 7 + [429] * 5 == sorted(few)
