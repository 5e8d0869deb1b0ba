"""What a request asks of Redis and Postgres, and what becomes of it without them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, LiteralString

import pytest

from shared.domain import Scope
from shared.errors import PostgresDown
from tests.gateway.given import CHAT, counter, ledger, model, names, price_of
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from local.door.server import DoorThread
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

CALL = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
BLOCK: dict[Scope, LiteralString] = {
    Scope.KEY: "update litellm_verificationtoken set blocked = true where token = %(id)s",
    Scope.TEAM: "update litellm_teamtable set blocked = true where team_id = %(id)s",
}


async def test_a_warm_request_makes_two_calls_to_redis_and_none_to_postgres(
    proxy: Callable[..., Any], given: Given, provider: Provider, door: DoorThread
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url), litellm_settings={"max_budget": 100, "budget_duration": "1d"}
    )
    key, call = await given_everybody_with_limits(given)
    await client.post(CHAT, json=call, headers=key.headers)
    await ledger(gateway, 1)
    no_sql(gateway)
    door.calls.reset()

    reply = await client.post(CHAT, json=call, headers=key.headers)

    assert 200 == reply.status_code
    assert (2, {"EVALSHA": 2}) == (door.calls.http, dict(door.calls.by_command))
    assert 17 == len(await names(gateway, "budget:*"))


async def given_everybody_with_limits(given: Given) -> tuple[GivenKey, dict[str, object]]:
    """Make a call borne by everybody, each with budgets and rates of every kind."""
    rates = {f"{kind}{window}_limit": 100_000 for kind in "rt" for window in ("pm", "ph", "pd")}
    models = '{"gpt": {"budget_limit": 5, "time_period": "1d"}}'
    windows = '[{"budget_duration": "1h", "max_budget": 5}]'
    mine = {"max_budget": 5, "model_max_budget": models, "max_parallel_requests": 5, **rates}
    budget = await given.budget(**mine)
    await given.row("litellm_organizationtable", organization_id="o", budget_id=budget)
    await given.row("litellm_endusertable", user_id="e", budget_id=budget)
    for tag in ("a", "b"):
        await given.row("litellm_tagtable", tag_name=tag, budget_id=budget)
    team = await given.team(organization_id="o", budget_limits=windows, **mine)
    user = await given.user(**mine)
    await given.row("litellm_teammembership", team_id=team, user_id=user, budget_id=budget)
    metadata = '{"model_rpm_limit": {"gpt": 100}, "model_tpm_limit": {"gpt": 100000}}'
    key = await given.key(
        team_id=team, user_id=user, budget_limits=windows, metadata=metadata, **mine
    )
    return key, {**CALL, "user": "e", "metadata": {"tags": ["a", "b"]}}


def no_sql(gateway: Gateway) -> None:
    """From here on any statement fails."""

    async def refuse(*_: object) -> None:
        raise PostgresDown("this request should not have asked Postgres")

    gateway.stores.postgres._answer = refuse  # type: ignore[method-assign]


async def test_another_process_learns_a_key_from_redis_without_sql(
    open_gateway: Callable[..., Gateway], serve: Callable[[Gateway], Any], given: Given
) -> None:
    key = await given.key(team_id=await given.team(max_budget=5), max_budget=1)
    first, second = open_gateway(), open_gateway()
    await (await serve(first)).post(CHAT, json=CALL, headers=key.headers)
    no_sql(second)

    reply = await (await serve(second)).post(CHAT, json=CALL, headers=key.headers)

    assert 200 == reply.status_code


@pytest.mark.parametrize("scope", [Scope.KEY, Scope.TEAM])
async def test_what_is_blocked_is_refused_on_the_next_request_everywhere(
    open_gateway: Callable[..., Gateway],
    serve: Callable[[Gateway], Any],
    given: Given,
    scope: Scope,
) -> None:
    team = await given.team()
    keys = [await given.key(team_id=team) for _ in range(3)]
    clients = [await serve(open_gateway()) for _ in range(2)]
    for client in clients:
        for key in keys:
            await client.post(CHAT, json=CALL, headers=key.headers)
    entity = (scope, team if scope is Scope.TEAM else keys[0].hash)

    await given.change(entity, BLOCK[scope])

    refused = [
        (await client.post(CHAT, json=CALL, headers=key.headers)).status_code
        for client in clients
        for key in keys
    ]
    assert ([401] * 6 if scope is Scope.TEAM else [401, 200, 200] * 2) == refused


async def test_a_change_that_crashed_before_its_entry_counts_at_once(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key()
    await client.post(CHAT, json=CALL, headers=key.headers)

    await given.change(
        (Scope.KEY, key.hash),
        BLOCK[Scope.KEY],
        is_published=False,
    )

    reply = await client.post(CHAT, json=CALL, headers=key.headers)
    assert 401 == reply.status_code


async def test_what_is_unblocked_is_served_on_the_next_request(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key(blocked=True)
    refused = await client.post(CHAT, json=CALL, headers=key.headers)

    await given.change(
        (Scope.KEY, key.hash),
        "update litellm_verificationtoken set blocked = false where token = %(id)s",
    )

    served = await client.post(CHAT, json=CALL, headers=key.headers)
    assert (401, 200) == (refused.status_code, served.status_code)


async def test_a_raised_budget_counts_on_the_next_request(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key(max_budget=0)
    refused = await client.post(CHAT, json=CALL, headers=key.headers)

    await given.change(
        (Scope.KEY, key.hash),
        "update litellm_verificationtoken set max_budget = 1 where token = %(id)s",
    )

    served = await client.post(CHAT, json=CALL, headers=key.headers)
    assert (422, 200) == (refused.status_code, served.status_code)


async def test_counters_come_back_from_postgres_and_the_stream_when_redis_lost_them(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    key = await given.key(max_budget=1, spend=0.5)
    await client.post(CHAT, json=CALL, headers=key.headers)
    (row,) = await ledger(gateway, 1)
    name = f"budget:key:{key.hash}:-"
    await gateway.stores.redis.execute(["DEL", name])

    await client.post(CHAT, json=CALL, headers=key.headers)

    await ledger(gateway, 2)
    assert 500_000_000 + 2 * int(row["spend"]) == int((await counter(gateway, name))["spent"])


async def test_without_redis_a_request_is_refused_as_unavailable_and_can_come_back(
    client: httpx.AsyncClient, given: Given, door: DoorThread
) -> None:
    key = await given.key()
    await client.post(CHAT, json=CALL, headers=key.headers)
    door.faults.add("refuse", times=None)

    refused = await client.post(CHAT, json=CALL, headers=key.headers)
    door.faults.clear()
    served = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (503, "5") == (refused.status_code, refused.headers["retry-after"])
    assert 200 == served.status_code


async def test_a_lost_reply_of_admit_or_settle_counts_once(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, door: DoorThread
) -> None:
    key = await given.key(max_budget=1, rpm_limit=10)
    await client.post(CHAT, json=CALL, headers=key.headers)
    await ledger(gateway, 1)
    door.faults.add("drop_after", times=1)  # admit's reply

    await client.post(CHAT, json=CALL, headers=key.headers)
    await ledger(gateway, 2)
    door.faults.add("drop_after", times=1)
    await client.post(CHAT, json=CALL, headers=key.headers)

    rows = await ledger(gateway, 3)
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    (window,) = await names(gateway, f"ratelimit:key:{key.hash}:*")
    assert sum(int(row["spend"]) for row in rows) == int(budget["spent"])
    assert "0" == budget["reserved"]
    assert "3" == (await counter(gateway, window))["requests"]


async def test_a_settle_that_redis_does_not_take_is_booked_in_postgres(
    client: httpx.AsyncClient, given: Given, door: DoorThread, provider: Provider
) -> None:
    key = await given.key(max_budget=1)
    provider.next(Behaviour(holds=0))
    running = asyncio.create_task(client.post(CHAT, json=CALL, headers=key.headers))
    await provider.received(1)
    door.faults.add("status_500", times=None)
    provider.release()

    reply = await running

    assert 200 == reply.status_code
    spend = await given.spend_of(key, rows=1)
    usage = reply.json()["usage"]
    assert price_of(usage["prompt_tokens"], usage["completion_tokens"]) == spend


async def test_an_admit_that_was_executed_unheard_costs_its_caller_nothing(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, door: DoorThread
) -> None:
    key = await given.key(max_budget=1)
    await client.post(CHAT, json=CALL, headers=key.headers)
    (first,) = await ledger(gateway, 1)
    door.faults.add("drop_after", times=3)  # both tries of admit, the first on a kept connection

    refused = await client.post(CHAT, json=CALL, headers=key.headers)

    _, second = await ledger(gateway, 2)
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert (503, "0") == (refused.status_code, second["spend"])
    assert (first["spend"], "0") == (budget["spent"], budget["reserved"])
    assert 0 == await gateway.stores.redis.execute(["ZCARD", "holds:0"])
