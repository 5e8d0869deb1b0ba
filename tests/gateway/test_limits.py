"""Budgets and limits under concurrency: what fits passes, and not one more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.given import counter, ledger, model, names
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

CALL = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
DOLLAR = 1_000_000_000


async def statuses(client: httpx.AsyncClient, key: GivenKey, count: int) -> dict[int, int]:
    """Make that many calls at once; count the replies by status."""
    replies = await asyncio.gather(
        *(client.post("/v1/chat/completions", json=CALL, headers=key.headers) for _ in range(count))
    )
    codes = [reply.status_code for reply in replies]
    return {code: codes.count(code) for code in sorted(set(codes))}


@pytest.mark.parametrize("concurrency", [10, 50, 200])
async def test_concurrent_calls_never_overspend_a_budget(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    given: Given,
    provider: Provider,
    concurrency: int,
) -> None:
    dear = model("gpt", provider.url, input_cost_per_token=0.0001, output_cost_per_token=0.001)
    gateway, client = await proxy(dear)
    key = await given.key(max_budget=1)

    for _ in range(3):
        await statuses(client, key, concurrency)

    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    rows = await ledger(gateway, 1)
    assert "0" == budget["reserved"]
    assert int(budget["spent"]) <= DOLLAR
    assert sum(int(row["spend"]) for row in rows) == int(budget["spent"])


async def test_a_spent_budget_refuses_in_litellms_words(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key(max_budget=0, key_alias="alice", key_name="sk-...abcd")

    reply = await client.post("/v1/chat/completions", json=CALL, headers=key.headers)

    assert 422 == reply.status_code
    error = reply.json()["error"]
    assert ("budget_exceeded", "422") == (error["type"], error["code"])
    assert (
        "Budget has been exceeded! Key=alice (sk-...abcd) Current cost: 0.0, Max budget: 0.0"
        == error["message"]
    )


@pytest.mark.parametrize("scope", ["key", "user", "team"])
async def test_exactly_rpm_of_many_concurrent_calls_pass(
    client: httpx.AsyncClient, given: Given, scope: str
) -> None:
    key = await a_key_limited_by(given, scope, rpm_limit=60)

    passed = await statuses(client, key, 200)

    assert {200: 60, 429: 140} == passed


async def test_a_rate_refusal_says_when_to_come_back(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key(rpm_limit=1)
    await client.post("/v1/chat/completions", json=CALL, headers=key.headers)

    reply = await client.post("/v1/chat/completions", json=CALL, headers=key.headers)

    assert 429 == reply.status_code
    assert "throttling_error" == reply.json()["error"]["type"]
    assert "requests" == reply.headers["rate_limit_type"]
    assert 1 <= int(reply.headers["retry-after"]) <= 61
    assert reply.json()["error"]["message"].startswith(
        f"Rate limit exceeded for api_key: {key.hash}. Limit type: requests. "
        "Current limit: 1, Remaining: 0. Limit resets at: "
    )


async def test_token_limits_reserve_before_and_correct_after(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    key = await given.key(tpm_limit=1_000)

    reply = await client.post("/v1/chat/completions", json=CALL, headers=key.headers)

    await ledger(gateway, 1)
    (window,) = await names(gateway, f"ratelimit:key:{key.hash}:*")
    assert str(reply.json()["usage"]["total_tokens"]) == (await counter(gateway, window))["tokens"]


async def test_parallel_calls_over_the_limit_are_refused_and_slots_come_back(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key(max_parallel_requests=2)
    provider.next(Behaviour(holds=0), Behaviour(holds=0))
    running = [
        asyncio.create_task(client.post("/v1/chat/completions", json=CALL, headers=key.headers))
        for _ in range(2)
    ]
    await provider.received(2)

    third = await client.post("/v1/chat/completions", json=CALL, headers=key.headers)
    provider.release()
    first = await asyncio.gather(*running)
    afterwards = await client.post("/v1/chat/completions", json=CALL, headers=key.headers)

    assert (429, "max_parallel_requests") == (
        third.status_code,
        third.headers["rate_limit_type"],
    )
    assert [200, 200] == [reply.status_code for reply in first]
    assert 200 == afterwards.status_code


async def test_a_refusal_changes_nothing(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    key = await given.key(rpm_limit=1, max_budget=1)
    await client.post("/v1/chat/completions", json=CALL, headers=key.headers)
    await ledger(gateway, 1)
    before = await state(gateway)

    refused = await client.post("/v1/chat/completions", json=CALL, headers=key.headers)

    assert 429 == refused.status_code
    assert before == await state(gateway)


async def state(gateway: Gateway) -> dict[str, object]:
    """Everything in Redis but the times things expire at."""
    found: Any = await gateway.stores.redis.execute(["KEYS", "*"])
    return {key: await gateway.stores.redis.execute(["DUMP", key]) for key in sorted(found)}


async def a_key_limited_by(given: Given, scope: str, **limits: object) -> GivenKey:
    match scope:
        case "user":
            return await given.key(user_id=await given.user(**limits))
        case "team":
            return await given.key(team_id=await given.team(**limits))
        case _:
            return await given.key(**limits)
