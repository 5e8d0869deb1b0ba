"""An answer as long as the budget bears, instead of a refusal: where that is wanted."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.given import CHAT, counter, ledger, model
from tests.gateway.test_accounting import vendors_answer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from local.door.server import DoorThread
    from shared.domain import Json, JsonObject
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

WANTED: Json = {"clamp_max_tokens": True}
# A thousandth of a dollar a token written; what is read costs next to nothing.
PRICES: dict[str, Json] = {"input_cost_per_token": 1e-9, "output_cost_per_token": 0.001}


def asking(**more: object) -> dict[str, Any]:
    return {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], **more}


async def test_by_default_what_does_not_fit_is_refused(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("gpt", provider.url, **PRICES))
    key = await given.key(max_budget=0.1)

    reply = await client.post(CHAT, json=asking(max_tokens=1000), headers=key.headers)

    assert (422, []) == (reply.status_code, provider.requests)


@pytest.mark.parametrize(
    ("route", "limits", "name"),
    [
        (CHAT, {"max_tokens": 1000}, "max_tokens"),
        (CHAT, {"max_completion_tokens": 1000}, "max_completion_tokens"),
        (CHAT, {}, "max_tokens"),
        ("/v1/responses", {"input": "Hello"}, "max_output_tokens"),
    ],
)
async def test_the_longest_answer_that_fits_is_asked_for(
    proxy: Proxy, given: Given, provider: Provider, route: str, limits: JsonObject, name: str
) -> None:
    gateway, client = await proxy(model("gpt", provider.url, **PRICES), litellm_settings=WANTED)
    key = await given.key(max_budget=0.1)
    provider.next(vendors_answer("openai", route, stream=False))
    body = {"model": "gpt", **limits} if "input" in limits else asking(**limits)

    reply = await client.post(route, json=body, headers=key.headers)

    (received,) = provider.requests
    (row,) = await ledger(gateway, 1)
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert 200 == reply.status_code, reply.text
    assert 99 == received.json[name]
    assert (row["spend"], "0") == (budget["spent"], budget["reserved"])


async def test_of_several_answers_each_is_shortened(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("gpt", provider.url, **PRICES), litellm_settings=WANTED)
    key = await given.key(max_budget=0.1)

    await client.post(CHAT, json=asking(max_tokens=1000, n=3), headers=key.headers)

    assert 33 == provider.requests[0].json["max_tokens"]


async def test_the_tightest_of_several_budgets_decides(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("gpt", provider.url, **PRICES), litellm_settings=WANTED)
    team = await given.team(max_budget=0.05)
    key = await given.key(max_budget=0.1, team_id=team)

    await client.post(CHAT, json=asking(max_tokens=1000), headers=key.headers)

    assert 49 == provider.requests[0].json["max_tokens"]


@pytest.mark.parametrize(
    ("budget", "more"),
    [(0.01, {}), (0.1, {"thinking": {"type": "enabled", "budget_tokens": 200}})],
    ids=["no words left", "less than it may think"],
)
async def test_an_answer_that_would_be_none_is_refused(
    proxy: Proxy, given: Given, provider: Provider, budget: float, more: JsonObject
) -> None:
    _, client = await proxy(model("gpt", provider.url, **PRICES), litellm_settings=WANTED)
    key = await given.key(max_budget=budget)

    reply = await client.post(CHAT, json=asking(max_tokens=1000, **more), headers=key.headers)

    assert (422, []) == (reply.status_code, provider.requests)


async def test_concurrent_calls_share_what_is_left_and_overspend_nothing(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url, **PRICES), litellm_settings=WANTED)
    key = await given.key(max_budget=0.5)

    replies = await asyncio.gather(
        *(client.post(CHAT, json=asking(max_tokens=200), headers=key.headers) for _ in range(30))
    )

    passed = [reply for reply in replies if reply.status_code == 200]
    rows = await ledger(gateway, len(passed))
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert {200, 422} >= {reply.status_code for reply in replies}
    assert 2 < len(passed)
    assert sum(int(row["spend"]) for row in rows) == int(budget["spent"]) <= 500_000_000
    assert "0" == budget["reserved"]


@pytest.mark.parametrize(("asked", "sent", "scripts"), [(20, 20, 2), (20_000, 9_999, 3)])
async def test_it_costs_one_more_round_trip_and_only_where_it_is_needed(
    proxy: Proxy,
    given: Given,
    provider: Provider,
    door: DoorThread,
    *,
    asked: int,
    sent: int,
    scripts: int,
) -> None:
    gateway, client = await proxy(model("gpt", provider.url, **PRICES), litellm_settings=WANTED)
    key = await given.key(max_budget=10.01)
    await client.post(CHAT, json=asking(max_tokens=20), headers=key.headers)
    await ledger(gateway, 1)
    door.calls.reset()

    await client.post(CHAT, json=asking(max_tokens=asked), headers=key.headers)

    await ledger(gateway, 2)
    assert sent == provider.requests[1].json["max_tokens"]
    assert scripts == door.calls.by_command["EVALSHA"]
