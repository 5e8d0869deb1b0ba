"""What Redis did though nobody heard of it, or the caller had gone: it costs nobody anything."""

from __future__ import annotations

import asyncio
from copy import copy
from typing import TYPE_CHECKING, Any

from shared.domain import Call, Endpoint, Scope
from shared.errors import ProviderFailed
from shared.gateway.attempts import first_success
from shared.gateway.holding import hold
from shared.gateway.serve import serve
from shared.ledger.drain import drain
from shared.ledger.sweep import sweep
from shared.spend.ids import uuid7
from shared.storage.plans import Bearer
from shared.storage.seeds import budget_seeds
from tests.gateway.given import CHAT, counter, ledger, model, names
from tests.gateway.test_stores import CALL
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    from local.door.server import DoorThread
    from shared.gateway.gateway import Gateway
    from shared.gateway.running import Running
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

    Start = Callable[..., Any]

SAID = {name: value for name, value in CALL.items() if name != "model"}
BOTH = '{"gpt": 1, "spare": 1}'


def a_call(gateway: Gateway) -> Call:
    return Call(
        id=uuid7(gateway.clock.now()),
        endpoint=Endpoint.CHAT,
        model="gpt",
        body=SAID,  # pyright: ignore[reportArgumentType] - JSON all the same
    )


async def own_budget(gateway: Gateway, key: GivenKey) -> tuple[str, str]:
    found = await counter(gateway, f"budget:key:{key.hash}:-")
    return found["spent"], found["reserved"]


async def reached(door: DoorThread) -> None:
    """Wait until the door has been asked something."""
    async with asyncio.timeout(10):
        while not door.calls.http:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.005)


async def warm(gateway: Gateway, key: GivenKey) -> str:
    """Serve a call of the key's; return what it cost."""
    answer = await serve(gateway, key.headers, a_call(gateway), CHAT)
    await answer.finish()
    (row,) = await ledger(gateway, 1)
    return row["spend"]


async def test_a_caller_who_leaves_while_admit_is_on_its_way_is_charged_nothing(
    gateway: Gateway, given: Given, door: DoorThread, provider: Provider
) -> None:
    key = await given.key(max_budget=1, max_parallel_requests=5)
    spent = await warm(gateway, key)
    door.calls.reset()
    door.faults.add("slow", seconds=0.3)
    call = asyncio.create_task(serve(gateway, key.headers, a_call(gateway), CHAT))
    await reached(door)

    call.cancel()
    await asyncio.wait({call})

    _, row = await ledger(gateway, 2)
    assert (True, "0", 1) == (call.cancelled(), row["spend"], len(provider.requests))
    assert (spent, "0") == await own_budget(gateway, key)
    assert 0 == await gateway.stores.redis.execute(["ZCARD", "holds:0"])
    assert [] == await names(gateway, "parallel:*")


async def test_nor_is_one_who_leaves_while_redis_does_not_answer(
    gateway: Gateway, given: Given, door: DoorThread
) -> None:
    key = await given.key(max_budget=1)
    spent = await warm(gateway, key)
    door.calls.reset()
    door.faults.add("slow", seconds=0.3)
    door.faults.add("drop_after", times=3)
    call = asyncio.create_task(serve(gateway, key.headers, a_call(gateway), CHAT))
    await reached(door)

    call.cancel()
    await asyncio.wait({call})

    _, row = await ledger(gateway, 2)
    assert (True, "0") == (call.cancelled(), row["spend"])
    assert (spent, "0") == await own_budget(gateway, key)


async def test_one_refused_in_grace_is_not_charged_for_a_hold_nobody_heard_of(
    proxy: Start, given: Given, door: DoorThread, provider: Provider
) -> None:
    nothing_passes = {"redis_down": "grace", "redis_down_exposure": 0}
    gateway, client = await proxy(model("gpt", provider.url), litellm_settings=nothing_passes)
    key = await given.key(max_budget=1)
    spent = await warm(gateway, key)
    door.faults.add("drop_after", times=3)

    refused = await client.post(CHAT, json=CALL, headers=key.headers)

    await overdue(gateway)
    _, row = await ledger(gateway, 2)
    assert (503, "0") == (refused.status_code, row["spend"])
    assert (spent, "0") == await own_budget(gateway, key)


async def overdue(gateway: Gateway) -> None:
    """Let two minutes pass for every hold, and the sweeper come by."""
    held: Any = await gateway.stores.redis.execute(["ZRANGE", "holds:0", 0, -1])
    for each in held:
        await gateway.stores.redis.execute(["ZADD", "holds:0", "XX", 1, each])
    await sweep(gateway.stores, gateway.clock.now())


async def test_a_turn_to_another_model_that_nobody_heard_of_leaves_nothing_reserved_there(
    proxy: Start, given: Given, door: DoorThread, provider: Provider
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url),
        model("spare", provider.url),
        router_settings={
            "fallbacks": [{"gpt": ["spare"]}],
            "num_retries": 0,
            "disable_cooldowns": True,
        },
    )
    key = await given.key(max_budget=1, model_max_budget=BOTH)
    provider.next(Behaviour(status=500))
    await client.post(CHAT, json=CALL, headers=key.headers)  # Redis knows script and counters now
    provider.next(Behaviour(status=500, holds=-1))
    asked = asyncio.create_task(client.post(CHAT, json=CALL, headers=key.headers))
    await provider.received(3)
    await ledger(gateway, 1)
    door.faults.add("drop_after", times=3)
    provider.release()

    reply = await asked

    await ledger(gateway, 2)
    await overdue(gateway)
    await drain(gateway.stores, gateway.clock.now())
    counters = {name: await counter(gateway, name) for name in await names(gateway, "budget:*")}
    assert 500 == reply.status_code
    assert {"0"} == {found["reserved"] for found in counters.values()}, counters


async def test_nor_does_one_that_the_sweeper_found_first(
    proxy: Start, given: Given, provider: Provider
) -> None:
    gateway, _ = await proxy(
        model("gpt", provider.url),
        model("spare", provider.url),
        router_settings={"fallbacks": [{"gpt": ["spare"]}], "num_retries": 0},
    )
    key = await given.key(model_max_budget=BOTH)
    running = await hold(gateway, key.headers, a_call(gateway), CHAT)
    asked: list[str] = []

    async def fail_once(running: Running) -> None:
        asked.append(running.quote.group)
        if len(asked) == 1:
            raise ProviderFailed("No.", status=500, type="api_error", retryable=True)

    await first_success(copy(running), fail_once)  # its function hears nothing of that
    await overdue(gateway)
    await running.settle()

    await ledger(gateway, 2)
    await drain(gateway.stores, gateway.clock.now())
    budgets = [await counter(gateway, f"budget:key:{key.hash}:-/{name}") for name in asked]
    bearer = Bearer(Scope.KEY, key.hash, "-/spare")
    seeds = await budget_seeds(gateway.stores.postgres, [bearer])
    assert ["gpt", "spare"] == asked
    assert [("0", "0")] * 2 == [(each["spent"], each["reserved"]) for each in budgets]
    assert 0 == seeds.by_bearer[bearer].spend
