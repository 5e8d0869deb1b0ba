"""A model that stands in for another has its own budgets and rates, not the other's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shared.domain import Call, Endpoint, Scope
from shared.errors import ProviderFailed
from shared.gateway.attempts import first_success
from shared.gateway.holding import hold
from shared.ledger.drain import drain
from shared.ledger.sweep import sweep
from shared.spend.ids import uuid7
from shared.storage.plans import Bearer
from shared.storage.seeds import budget_seeds
from tests.gateway.given import CHAT, counter, ledger, model
from tests.provider import Behaviour, Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.domain import Json
    from shared.gateway.gateway import Gateway
    from shared.gateway.running import Running
    from tests.gateway.given import Given, GivenKey

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CALL: dict[str, Any] = {
    "model": "gpt",
    "messages": [{"role": "user", "content": "Hello"}],
    "max_tokens": 20,
}
BOTH = '{"gpt": 1, "spare": 1}'
SETTINGS: dict[str, Json] = {"fallbacks": [{"gpt": ["spare"]}], "num_retries": 0}


@pytest.fixture
async def served(
    proxy: Proxy, provider: Provider, other: Provider
) -> tuple[Gateway, httpx.AsyncClient]:
    """`gpt`, whose provider always fails, and `spare` for it, at a cent a call and more."""
    provider.default = Behaviour(status=500)
    dear: dict[str, Json] = {"input_cost_per_token": 0.0001, "output_cost_per_token": 0.001}
    info: dict[str, Json] = {"id": "first"}
    return await proxy(
        model("gpt", provider.url, model_info=info),
        model("spare", other.url, **dear),
        router_settings={**SETTINGS, "disable_cooldowns": True},
    )


async def ask(client: httpx.AsyncClient, key: GivenKey) -> httpx.Response:
    return await client.post(CHAT, json=CALL, headers=key.headers)


async def budget_of(gateway: Gateway, key: GivenKey, name: str) -> dict[str, str]:
    return await counter(gateway, f"budget:key:{key.hash}:-/{name}")


async def test_it_is_charged_to_the_budget_of_the_model_that_answered(
    served: tuple[Gateway, httpx.AsyncClient], given: Given
) -> None:
    gateway, client = served
    key = await given.key(max_budget=9, model_max_budget=BOTH)

    reply = await ask(client, key)

    (row,) = await ledger(gateway, 1)
    found = [await budget_of(gateway, key, name) for name in ("gpt", "spare")]
    own = await counter(gateway, f"budget:key:{key.hash}:-")
    assert 200 == reply.status_code
    assert [("0", "0"), (row["spend"], "0")] == [(b["spent"], b["reserved"]) for b in found]
    assert (row["spend"], "0") == (own["spent"], own["reserved"])
    windows = orjson.loads(row["row"])["since"]["windows"]
    assert ["-/spare"] == [window for _, _, window, _ in windows]


async def test_counter_ledger_and_sum_of_its_budget_agree(
    served: tuple[Gateway, httpx.AsyncClient], given: Given
) -> None:
    gateway, client = served
    key = await given.key(model_max_budget=BOTH)
    for _ in range(3):
        await ask(client, key)
    rows = await ledger(gateway, 3)

    await drain(gateway.stores, gateway.clock.now())

    bearer = Bearer(Scope.KEY, key.hash, "-/spare")
    seed = (await budget_seeds(gateway.stores.postgres, [bearer])).by_bearer[bearer]
    spent = (await budget_of(gateway, key, "spare"))["spent"]
    assert sum(int(row["spend"]) for row in rows) == seed.spend == int(spent)


async def test_with_its_budget_spent_it_is_not_asked(
    served: tuple[Gateway, httpx.AsyncClient], given: Given, other: Provider
) -> None:
    gateway, client = served
    key = await given.key(model_max_budget='{"gpt": 1, "spare": 0}')

    reply = await ask(client, key)

    budget = await budget_of(gateway, key, "gpt")
    assert (500, []) == (reply.status_code, other.requests)
    assert ("0", "0") == (budget["spent"], budget["reserved"])


async def test_concurrent_calls_never_overspend_its_budget(
    served: tuple[Gateway, httpx.AsyncClient], given: Given
) -> None:
    gateway, client = served
    key = await given.key(model_max_budget='{"spare": 0.1}')

    replies = await asyncio.gather(*(ask(client, key) for _ in range(50)))

    passed = [reply.status_code for reply in replies].count(200)
    rows = await ledger(gateway, len(replies))
    budget = await budget_of(gateway, key, "spare")
    assert 0 < passed < 50
    assert "0" == budget["reserved"]
    assert sum(int(row["spend"]) for row in rows) == int(budget["spent"]) <= 100_000_000


async def test_its_rates_hold_as_well(
    served: tuple[Gateway, httpx.AsyncClient], given: Given, other: Provider
) -> None:
    _, client = served
    key = await given.key(metadata='{"model_rpm_limit": {"spare": 2}}')

    replies = [await ask(client, key) for _ in range(4)]

    assert [200, 200, 500, 500] == [reply.status_code for reply in replies]
    assert 2 == len(other.requests)


async def test_its_limits_hold_when_the_first_model_rests(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url, model_info={"id": "first"}),
        model("spare", other.url),
        router_settings=SETTINGS,
    )
    await gateway.stores.redis.execute(["SET", "cooldown:first", 10**15])
    key = await given.key(model_max_budget=BOTH)
    poor = await given.key(model_max_budget='{"gpt": 1, "spare": 0}')

    reply, refused = await ask(client, key), await ask(client, poor)

    (row,) = await ledger(gateway, 1)
    budget = await budget_of(gateway, key, "spare")
    assert (200, 422) == (reply.status_code, refused.status_code)
    assert refused.json()["error"]["message"].endswith("model=gpt, budget_model=spare")
    assert (row["spend"], "0") == (budget["spent"], budget["reserved"])


async def test_a_function_that_dies_at_it_is_booked_on_its_budget(
    served: tuple[Gateway, httpx.AsyncClient], given: Given
) -> None:
    gateway, _ = served
    key = await given.key(model_max_budget=BOTH)
    call = Call(
        id=uuid7(gateway.clock.now()),
        endpoint=Endpoint.CHAT,
        model="gpt",
        body={name: value for name, value in CALL.items() if name != "model"},
    )
    running = await hold(gateway, key.headers, call, CHAT)
    asked: list[str] = []

    async def die(running: Running) -> None:
        asked.append(running.quote.group)
        if len(asked) == 1:
            raise ProviderFailed("It failed.", status=500, type="api_error", retryable=True)

    await first_success(running, die)
    await gateway.stores.redis.execute(["ZADD", "holds:0", "XX", 1, call.id])

    await sweep(gateway.stores, gateway.clock.now())
    found = [await budget_of(gateway, key, name) for name in ("gpt", "spare")]
    await running.settle()  # it was not dead after all, and nothing was answered

    lost, corrected = await ledger(gateway, 2)
    after = await budget_of(gateway, key, "spare")
    assert ["gpt", "spare"] == asked
    assert [("0", "0"), (lost["spend"], "0")] == [(b["spent"], b["reserved"]) for b in found]
    assert 0 < int(lost["spend"]) == -int(corrected["spend"])
    assert ("0", "0") == (after["spent"], after["reserved"])
