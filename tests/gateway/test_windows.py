"""Rates of everybody by minute, hour and day; budgets of windows, of models and of the proxy."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.domain import Scope
from shared.ledger.drain import drain
from tests.gateway.entities import KINDS, limited
from tests.gateway.given import counter, ledger, model, names
from tests.gateway.test_entities import CALL, CHAT, DOLLAR, ask, dear
from tests.gateway.test_limits import state

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.domain import Json
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

NAMES = {
    Scope.KEY: "api_key",
    Scope.USER: "user",
    Scope.TEAM: "team",
    Scope.TEAM_MEMBER: "team_member",
    Scope.ORG: "organization",
    Scope.END_USER: "end_user",
    Scope.TAG: "tag",
}


async def statuses(client: httpx.AsyncClient, key: GivenKey, count: int) -> dict[int, int]:
    replies = await asyncio.gather(
        *(client.post(CHAT, json=CALL, headers=key.headers) for _ in range(count))
    )
    codes = [reply.status_code for reply in replies]
    return {code: codes.count(code) for code in sorted(set(codes))}


@pytest.mark.parametrize("limit", ["rpm_limit", "rph_limit", "rpd_limit"])
@pytest.mark.parametrize("scope", KINDS)
async def test_exactly_the_limit_of_many_concurrent_calls_pass(
    client: httpx.AsyncClient, given: Given, scope: Scope, limit: str
) -> None:
    who = await limited(given, scope, **{limit: 7})

    replies = await asyncio.gather(*(ask(client, who) for _ in range(20)))

    codes = [reply.status_code for reply in replies]
    assert (7, 13) == (codes.count(200), codes.count(429))


@pytest.mark.parametrize("scope", KINDS)
async def test_a_refusal_by_the_day_names_who_and_changes_nothing(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, scope: Scope
) -> None:
    who = await limited(given, scope, rpd_limit=1, rpm_limit=10)
    first = await ask(client, who)
    await ledger(gateway, 1)
    before = await state(gateway)

    refused = await ask(client, who)

    entity = who.counter.partition(":")[2]
    if scope is Scope.TEAM_MEMBER:
        entity = entity.replace("/", ":")
    assert refused.json()["error"]["message"].startswith(
        f"Rate limit exceeded for {NAMES[scope]}: {entity}. Limit type: requests_per_day. "
        "Current limit: 1, Remaining: 0. Limit resets at: "
    )
    assert "requests_per_day" == refused.headers["rate_limit_type"]
    assert "false" == refused.headers["x-should-retry"]
    assert 60 < int(refused.headers["retry-after"]) <= 24 * 3600 + 24 * 60
    assert "0" == first.headers[f"x-ratelimit-{NAMES[scope]}-remaining-requests-per-day"]
    assert "9" == first.headers[f"x-ratelimit-{NAMES[scope]}-remaining-requests"]
    assert before == await state(gateway)


@pytest.mark.parametrize("scope", KINDS)
async def test_everybodys_parallel_calls_are_counted_and_come_back(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, scope: Scope
) -> None:
    who = await limited(given, scope, max_parallel_requests=1)

    replies = [await ask(client, who) for _ in range(3)]

    assert [200] * 3 == [reply.status_code for reply in replies]
    assert [] == await names(gateway, "parallel:*")


async def test_no_parallel_call_at_all_is_not_worth_a_retry(
    client: httpx.AsyncClient, given: Given
) -> None:
    who = await limited(given, Scope.ORG, max_parallel_requests=0)

    refused = await ask(client, who)

    assert (429, "false") == (refused.status_code, refused.headers["x-should-retry"])


@pytest.mark.parametrize(
    ("counted", "used"),
    [("total", "total_tokens"), ("input", "prompt_tokens"), ("output", "completion_tokens")],
)
async def test_limits_of_tokens_count_the_tokens_that_are_configured(
    proxy: Proxy, given: Given, provider: Provider, counted: str, used: str
) -> None:
    settings: Json = {"token_rate_limit_type": counted}
    gateway, client = await proxy(model("gpt", provider.url), general_settings=settings)
    who = await limited(given, Scope.TEAM, tpm_limit=1_000, tpd_limit=1_000)

    reply = await ask(client, who)

    await ledger(gateway, 1)
    windows = await names(gateway, f"ratelimit:{who.counter}:*")
    counts = [(await counter(gateway, window))["tokens"] for window in windows]
    assert [str(reply.json()["usage"][used])] * 2 == counts


async def test_a_models_rates_are_its_own(proxy: Proxy, given: Given, provider: Provider) -> None:
    models = [model(name, provider.url) for name in ("gpt", "other")]
    _, client = await proxy(*models)
    key = await given.key(metadata='{"model_rpm_limit": {"gpt": 1}}')

    replies = [
        await client.post(CHAT, json={**CALL, "model": name}, headers=key.headers)
        for name in ("gpt", "gpt", "other", "other")
    ]

    assert [200, 429, 200, 200] == [reply.status_code for reply in replies]
    assert (
        replies[1]
        .json()["error"]["message"]
        .startswith(
            f"Rate limit exceeded for model_per_key: {key.hash}:gpt. Limit type: requests. "
        )
    )


async def test_a_keys_rates_of_a_tag_are_its_own(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key(metadata='{"tag_rpm_limit": {"batch": 1}}')

    replies = [
        await client.post(CHAT, json={**CALL, "metadata": {"tags": tags}}, headers=key.headers)
        for tags in (["batch"], ["batch", "x"], ["x"], ["x"], [])
    ]

    assert [200, 429, 200, 200, 200] == [reply.status_code for reply in replies]
    message = replies[1].json()["error"]["message"]
    assert message.startswith(f"Rate limit exceeded for tag_per_key: {key.hash}:batch. ")


async def test_the_budget_of_an_access_group_holds_for_its_models_together(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    info: Json = {"access_groups": ["premium"]}
    models = [model(name, provider.url, model_info=info) for name in ("gpt", "other")]
    gateway, client = await proxy(*models)
    key = await given.key(model_max_budget='{"premium": 1}')

    for name in ("gpt", "other"):
        await client.post(CHAT, json={**CALL, "model": name}, headers=key.headers)

    rows = await ledger(gateway, 2)
    budget = await counter(gateway, f"budget:key:{key.hash}:-/premium")
    assert sum(int(row["spend"]) for row in rows) == int(budget["spent"])


async def test_a_teams_rates_of_a_model_hold_for_all_its_keys(
    client: httpx.AsyncClient, given: Given
) -> None:
    team = await given.team(metadata='{"model_rpm_limit": {"gpt": 1}}')
    keys = [await given.key(team_id=team) for _ in range(2)]

    codes = [(await statuses(client, key, 1)) for key in keys]

    assert [{200: 1}, {429: 1}] == codes


WITH_MODEL_BUDGETS = (
    *(Scope.KEY, Scope.USER, Scope.TEAM),
    *(Scope.TEAM_MEMBER, Scope.END_USER),
)
FLAT = '{"gpt": 1}'
PATTERN = '{"g*": {"max_budget": 1, "budget_duration": "1d"}}'


@pytest.mark.parametrize("shape", [FLAT, PATTERN], ids=["flat", "pattern"])
@pytest.mark.parametrize("scope", WITH_MODEL_BUDGETS)
async def test_concurrent_calls_never_overspend_a_models_budget(
    proxy: Proxy, given: Given, provider: Provider, scope: Scope, shape: str
) -> None:
    other = model("other", provider.url)
    gateway, client = await proxy(dear(provider), other)
    who = await limited(given, scope, model_max_budget=shape)

    replies = await asyncio.gather(*(ask(client, who) for _ in range(50)))

    window = "-/gpt" if shape == FLAT else "1d/g*"
    refused = [reply for reply in replies if reply.status_code == 422]
    assert refused
    which = "" if shape == FLAT else ", budget_model=g*"
    message = refused[0].json()["error"]["message"]
    assert message.endswith(f"exceeded budget for model=gpt{which}")
    await ledger(gateway, len(replies) - len(refused))
    budget = await counter(gateway, f"budget:{who.counter}:{window}")
    assert 0 < int(budget["spent"]) <= DOLLAR
    assert 200 == (await ask(client, who, model="other")).status_code


@pytest.mark.parametrize("scope", [Scope.KEY, Scope.TEAM])
async def test_every_window_of_a_budget_holds(
    proxy: Proxy, given: Given, provider: Provider, scope: Scope
) -> None:
    _, client = await proxy(dear(provider))
    limits = (
        '[{"budget_duration": "1h", "max_budget": 0}, {"budget_duration": "1d", "max_budget": 9}]'
    )
    who = await limited(given, scope, budget_limits=limits)

    reply = await ask(client, who)

    assert (
        f"ExceededBudget: {scope.capitalize()} over 1h budget. Spend=$0.0, Limit=$0.0"
        == reply.json()["error"]["message"]
    )


async def test_the_proxys_budget_holds_for_all_keys_together(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    settings: Json = {"max_budget": 1, "budget_duration": "1d"}
    gateway, client = await proxy(dear(provider), litellm_settings=settings)
    keys = [await given.key() for _ in range(50)]

    replies = await asyncio.gather(
        *(client.post(CHAT, json=CALL, headers=key.headers) for key in keys)
    )

    passed = [reply.status_code for reply in replies].count(200)
    rows = await ledger(gateway, passed)
    budget = await counter(gateway, "budget:proxy:proxy:1d")
    assert 0 < passed < 50
    assert sum(int(row["spend"]) for row in rows) == int(budget["spent"]) <= DOLLAR
    refused = next(reply for reply in replies if reply.status_code == 422)
    assert refused.json()["error"]["message"].startswith("Budget has been exceeded! Current cost: ")


async def test_windows_come_back_from_postgres_and_the_stream_when_redis_lost_them(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    settings: Json = {"max_budget": 100}
    gateway, client = await proxy(dear(provider), litellm_settings=settings)
    key = await given.key(
        model_max_budget='{"gpt": 50}',
        budget_limits='[{"budget_duration": "1d", "max_budget": 9}]',
    )
    await client.post(CHAT, json=CALL, headers=key.headers)
    (row,) = await ledger(gateway, 1)
    await drain(gateway.stores, gateway.clock.now())
    await client.post(CHAT, json=CALL, headers=key.headers)
    await ledger(gateway, 1)
    lost = [f"budget:key:{key.hash}:1d", f"budget:key:{key.hash}:-/gpt", "budget:proxy:proxy:-"]
    await gateway.stores.redis.execute(["DEL", *lost])

    await client.post(CHAT, json=CALL, headers=key.headers)

    await ledger(gateway, 2)
    spent = [(await counter(gateway, name))["spent"] for name in lost]
    assert [str(3 * int(row["spend"]))] * 3 == spent


@pytest.mark.parametrize(("expiry", "status"), [("2999-01-01", 200), ("2001-01-01T00:00:00Z", 422)])
async def test_a_temporary_increase_raises_a_keys_budget_until_it_expires(
    client: httpx.AsyncClient, given: Given, expiry: str, status: int
) -> None:
    metadata = f'{{"temp_budget_increase": 1, "temp_budget_expiry": "{expiry}"}}'
    key = await given.key(max_budget=0, metadata=metadata)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert status == reply.status_code
