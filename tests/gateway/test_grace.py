"""Calls without Redis, where that is wanted: bounded, booked, and found in the counters later."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain import Millis, Nanodollars
from shared.ledger.drain import drain
from shared.ledger.reconcile import reconcile
from shared.ledger.replay import replay
from tests.gateway.given import counter, ledger, model, price_of
from tests.gateway.test_stores import CALL, CHAT, no_sql
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from local.door.server import DoorThread
    from shared.domain import Json
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

    Start = Callable[..., Any]

NOW = Millis(0)
RESERVATION = 400_000
"""A little more than a call reserves, in nanodollars."""


@pytest.fixture
def graced(proxy: Start, provider: Provider) -> Start:
    """Serve the model in grace, with settings of its own."""

    async def start(*models: Json, **settings: object) -> tuple[Gateway, httpx.AsyncClient]:
        own = {"redis_down": "grace", **settings}
        return await proxy(*(models or [model("gpt", provider.url)]), litellm_settings=own)

    return start


async def given_seen(client: httpx.AsyncClient, given: Given, **columns: object) -> GivenKey:
    """Make a key that this process has served just now."""
    key = await given.key(**columns)
    reply = await client.post(CHAT, json=CALL, headers=key.headers)
    assert 200 == reply.status_code
    return key


async def all_settled(gateway: Gateway) -> None:
    """Wait until no call runs: each settles after its last byte."""
    async with asyncio.timeout(60):
        while gateway.exposure._reserved:  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(0.01)


def redis_dies(door: DoorThread) -> None:
    door.faults.add("refuse", times=None)


async def test_a_key_is_served_and_its_spend_is_in_postgres(
    graced: Start, given: Given, door: DoorThread
) -> None:
    gateway, client = await graced()
    key = await given_seen(client, given, max_budget=1)
    await ledger(gateway, 1)
    redis_dies(door)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 200 == reply.status_code
    usage = reply.json()["usage"]
    cost = price_of(usage["prompt_tokens"], usage["completion_tokens"])
    assert cost == await given.spend_of(key, rows=1)


async def test_a_stream_is_served_and_booked_too(
    graced: Start, given: Given, door: DoorThread
) -> None:
    gateway, client = await graced()
    key = await given_seen(client, given, max_budget=1)
    await ledger(gateway, 1)
    redis_dies(door)

    reply = await client.post(CHAT, json={**CALL, "stream": True}, headers=key.headers)

    assert (200, True) == (reply.status_code, reply.text.rstrip().endswith("[DONE]"))
    assert await given.spend_of(key, rows=1) > 0


async def test_when_redis_is_back_its_counter_says_what_was_spent_without_it(
    graced: Start, given: Given, door: DoorThread
) -> None:
    gateway, client = await graced()
    key = await given_seen(client, given, max_budget=1)
    await ledger(gateway, 1)
    redis_dies(door)
    for _ in range(3):
        await client.post(CHAT, json=CALL, headers=key.headers)
    await given.spend_of(key, rows=3)
    door.faults.clear()

    await drain(gateway.stores, NOW)
    await reconcile(gateway.stores, NOW)

    found = await counter(gateway, f"budget:key:{key.hash}:-")
    assert await given.spend_of(key, rows=4) == int(found["spent"])
    assert "0" == found["reserved"]


async def test_what_one_process_lets_pass_is_bounded_whoever_calls(
    graced: Start, given: Given, door: DoorThread, provider: Provider
) -> None:
    most = 5 * RESERVATION
    gateway, client = await graced(redis_down_exposure=most / 1e9)
    keys = [await given_seen(client, given, max_budget=100) for _ in range(3)]
    await ledger(gateway, 3)
    redis_dies(door)
    provider.next(*[Behaviour(seconds_before_head=0.05)] * 45)

    replies = await asyncio.gather(
        *(client.post(CHAT, json=CALL, headers=key.headers) for key in keys * 15)
    )

    statuses = [reply.status_code for reply in replies]
    assert {200, 503} == set(statuses)
    usages = [reply.json()["usage"] for reply in replies if reply.status_code == 200]
    spent = sum(price_of(each["prompt_tokens"], each["completion_tokens"]) for each in usages)
    await all_settled(gateway)
    assert spent == gateway.exposure.total <= most


async def test_the_bound_stands_until_redis_is_back_and_its_counters_know(
    graced: Start, given: Given, door: DoorThread
) -> None:
    gateway, client = await graced(redis_down_exposure=2 * RESERVATION / 1e9)
    key = await given_seen(client, given, max_budget=100)
    await ledger(gateway, 1)
    redis_dies(door)
    while (await client.post(CHAT, json=CALL, headers=key.headers)).status_code == 200:
        pass
    await all_settled(gateway)
    stands = gateway.exposure.total

    gateway.exposure.redis_answered(Millis(gateway.clock.now() + 1_000))
    after_a_second = gateway.exposure.total
    gateway.exposure.redis_answered(Millis(gateway.clock.now() + 200_000))

    assert (stands, 0) == (after_a_second, gateway.exposure.total)
    assert stands > 0


async def test_a_budget_whose_column_leaves_no_room_refuses(
    graced: Start, given: Given, door: DoorThread
) -> None:
    gateway, client = await graced()
    key = await given_seen(client, given, max_budget=1)
    await ledger(gateway, 1)
    await gateway.stores.postgres.run("update litellm_verificationtoken set spend = 1")
    redis_dies(door)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (422, "budget_exceeded") == (reply.status_code, reply.json()["error"]["type"])


async def test_who_may_not_pass_anyhow_waits_for_no_postgres_and_risks_nothing(
    graced: Start, given: Given, door: DoorThread
) -> None:
    gateway, client = await graced(redis_down_exposure=RESERVATION / 1e9)
    key = await given_seen(client, given, max_budget=1)
    await ledger(gateway, 1)
    await gateway.stores.postgres.run("update litellm_verificationtoken set spend = 1")
    redis_dies(door)
    over = await client.post(CHAT, json=CALL, headers=key.headers)
    at_stake = gateway.exposure.total
    gateway.exposure.take("another", Nanodollars(RESERVATION), Nanodollars(RESERVATION))
    no_sql(gateway)

    refused = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (422, 0) == (over.status_code, at_stake)
    assert "may risk no more" in refused.json()["error"]["message"]


async def test_a_key_nobody_here_has_seen_is_looked_up_in_postgres(
    graced: Start, given: Given, door: DoorThread
) -> None:
    _, client = await graced()
    known, blocked = await given.key(), await given.key(blocked=True)
    redis_dies(door)

    replies = [
        await client.post(CHAT, json=CALL, headers=headers)
        for headers in (
            known.headers,
            blocked.headers,
            {"authorization": "Bearer sk-nobody-made-this"},
        )
    ]

    assert [200, 401, 401] == [reply.status_code for reply in replies]


async def test_what_was_seen_a_minute_ago_is_asked_of_postgres_again(
    graced: Start, given: Given, door: DoorThread
) -> None:
    gateway, client = await graced()
    key = await given_seen(client, given)
    redis_dies(door)
    await gateway.stores.postgres.run("update litellm_verificationtoken set blocked = true")

    within = await client.post(CHAT, json=CALL, headers=key.headers)
    gateway.clock._offset_ms += 61_000
    after = await client.post(CHAT, json=CALL, headers=key.headers)

    assert [200, 401] == [within.status_code, after.status_code]


async def test_a_failing_deployment_is_followed_by_the_next(
    graced: Start, given: Given, door: DoorThread, provider: Provider
) -> None:
    gateway, client = await graced(
        model("gpt", provider.url, model="openai/one"),
        model("gpt", provider.url, model="openai/two"),
    )
    key = await given_seen(client, given)
    await ledger(gateway, 1)
    redis_dies(door)
    provider.next(Behaviour(status=500))

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 200 == reply.status_code
    assert "1" == reply.headers["x-litellm-attempted-retries"]


async def test_without_both_stores_calls_are_refused_unless_the_log_may_keep_the_books(
    graced: Start, given: Given, door: DoorThread
) -> None:
    gateway, client = await graced()
    key = await given_seen(client, given)
    redis_dies(door)
    no_sql(gateway)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 503 == reply.status_code
    assert "Redis and Postgres are down" in reply.json()["error"]["message"]


async def test_the_log_keeps_the_books_when_both_stores_are_down(
    graced: Start,
    given: Given,
    door: DoorThread,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gateway, client = await graced(both_down="journal")
    key = await given_seen(client, given, max_budget=1)
    await ledger(gateway, 1)
    answer = gateway.stores.postgres._answer
    capsys.readouterr()
    redis_dies(door)
    no_sql(gateway)

    served = await client.post(CHAT, json=CALL, headers=key.headers)
    unknown = await client.post(CHAT, json=CALL, headers=(await given.key()).headers)

    assert [200, 503] == [served.status_code, unknown.status_code]
    lines = capsys.readouterr().out.encode().splitlines()
    gateway.stores.postgres._answer = answer  # type: ignore[method-assign]
    report = await replay(gateway.stores, lines)
    usage = served.json()["usage"]
    cost = price_of(usage["prompt_tokens"], usage["completion_tokens"])
    assert (1, cost) == (report.booked, await given.spend_of(key, rows=1))
