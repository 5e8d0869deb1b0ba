"""Whoever bears a call's spend: its budget holds at once, its refusal changes nothing."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, LiteralString

import pytest

from shared.domain import Millis, Scope
from shared.ledger.drain import drain
from shared.ledger.reset import reset
from shared.storage.plans import Bearer
from shared.storage.seeds import budget_seeds
from tests.gateway.entities import KINDS, limited, linked
from tests.gateway.given import CHAT, counter, ledger, model
from tests.gateway.test_limits import state

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.domain import Json
    from shared.gateway.gateway import Gateway
    from tests.gateway.entities import Limited
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CALL = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
DOLLAR = 1_000_000_000
LINKED = [Scope.TEAM_MEMBER, Scope.ORG, Scope.END_USER, Scope.TAG]
SENTENCES = {
    Scope.KEY: "Budget has been exceeded! Key=None ({id8}) Current cost: 0.0, Max budget: 0.0",
    Scope.USER: "ExceededBudget: User={id} over budget. Spend=0.0, Budget=0.0",
    Scope.TEAM: "Budget has been exceeded! Team={id} Current cost: 0.0, Max budget: 0.0",
    Scope.TEAM_MEMBER: (
        "Budget has been exceeded! User={user} in Team={team} Current cost: 0.0, Max budget: 0.0"
    ),
    Scope.ORG: "Budget has been exceeded! Organization={id} Current cost: 0.0, Max budget: 0.0",
    Scope.END_USER: "ExceededBudget: End User={id} over budget. Spend=0.0, Budget=0.0",
    Scope.TAG: "Budget has been exceeded! Tag={id} Current cost: 0.0, Max budget: 0.0",
}


async def ask(client: httpx.AsyncClient, who: Limited, **more: object) -> httpx.Response:
    body = {**CALL, **who.extra, **more}
    return await client.post(CHAT, json=body, headers=who.key.headers)


def dear(provider: Provider) -> Json:
    return model("gpt", provider.url, input_cost_per_token=0.0001, output_cost_per_token=0.001)


QUICK = {
    *((scope, 50) for scope in KINDS),
    *((scope, count) for scope in (Scope.ORG, Scope.TAG) for count in (10, 200)),
}
AT_ONCE = [
    pytest.param(scope, count, marks=() if (scope, count) in QUICK else pytest.mark.slow)
    for scope in KINDS
    for count in (10, 50, 200)
]


@pytest.mark.parametrize(("scope", "concurrency"), AT_ONCE)
async def test_concurrent_calls_overspend_nobodys_budget_and_leave_less_than_one_of_them(
    proxy: Proxy, given: Given, provider: Provider, scope: Scope, concurrency: int
) -> None:
    gateway, client = await proxy(dear(provider))
    who = await limited(given, scope, max_budget=1)

    codes = {200}
    while 200 in codes:
        replies = await asyncio.gather(*(ask(client, who) for _ in range(concurrency)))
        codes = {reply.status_code for reply in replies}
        assert codes <= {200, 422}

    rows = await ledger(gateway, 1)
    budget = await counter(gateway, f"budget:{who.counter}:-")
    hold = await counter(gateway, f"hold:{rows[-1]['id']}")
    spent = int(budget["spent"])
    assert "0" == budget["reserved"]
    assert sum(int(row["spend"]) for row in rows) == spent <= DOLLAR
    assert DOLLAR - spent < int(hold["amount"])


@pytest.mark.parametrize("scope", KINDS)
async def test_a_spent_budget_refuses_in_litellms_words_and_changes_nothing(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, scope: Scope
) -> None:
    who = await limited(given, scope, max_budget=0)
    await ask(client, who)
    before = await state(gateway)

    reply = await ask(client, who)

    entity = who.counter.partition(":")[2]
    team, _, user = entity.partition("/")
    sentence = SENTENCES[scope].format(id=entity, id8=entity[:8], team=team, user=user)
    error = reply.json()["error"]
    assert (422, "budget_exceeded") == (reply.status_code, error["type"])
    assert sentence == error["message"]
    assert "false" == reply.headers["x-should-retry"]
    assert before == await state(gateway)


@pytest.mark.parametrize("scope", KINDS)
async def test_counter_ledger_and_column_of_everybody_agree(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, scope: Scope
) -> None:
    who = await limited(given, scope, max_budget=1)
    await ask(client, who)
    await ask(client, who)
    rows = await ledger(gateway, 2)

    await drain(gateway.stores, gateway.clock.now())

    entity = Bearer(scope, who.counter.partition(":")[2])
    seed = (await budget_seeds(gateway.stores.postgres, [entity])).by_bearer[entity]
    budget = await counter(gateway, f"budget:{who.counter}:-")
    assert sum(int(row["spend"]) for row in rows) == seed.spend
    assert int(budget["since"]) == seed.since
    assert (str(seed.spend), "0") == (budget["spent"], budget["reserved"])


@pytest.mark.parametrize("scope", KINDS)
async def test_counters_of_everybody_come_back_when_redis_lost_them(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, scope: Scope
) -> None:
    who = await limited(given, scope, max_budget=1)
    await ask(client, who)
    (first,) = await ledger(gateway, 1)
    await drain(gateway.stores, gateway.clock.now())
    await ask(client, who)
    await ledger(gateway, 1)
    await gateway.stores.redis.execute(["DEL", f"budget:{who.counter}:-"])

    await ask(client, who)

    await ledger(gateway, 2)
    budget = await counter(gateway, f"budget:{who.counter}:-")
    assert 3 * int(first["spend"]) == int(budget["spent"])


CHANGED: LiteralString = "update litellm_budgettable set max_budget = 1 where budget_id = %(id)s"


@pytest.mark.parametrize("scope", KINDS)
async def test_a_budget_row_speaks_for_all_that_is_linked_to_it_at_once(
    client: httpx.AsyncClient, given: Given, scope: Scope
) -> None:
    row = await given.budget(max_budget=0)
    who = await linked(given, scope, row)
    refused = await ask(client, who)

    await given.change((Scope.BUDGET, row), CHANGED)

    assert (422, 200) == (refused.status_code, (await ask(client, who)).status_code)


async def test_what_an_entity_says_itself_counts_before_its_budget_row(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key(max_budget=1, budget_id=await given.budget(max_budget=0))

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 200 == reply.status_code


@pytest.mark.parametrize("scope", KINDS)
async def test_a_budget_row_that_is_due_starts_all_linked_afresh_before_and_after_the_job(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, scope: Scope
) -> None:
    now = datetime.now(UTC)
    row = await given.budget(max_budget=1, budget_duration="1d", budget_reset_at=now)
    who = await linked(given, scope, row)
    entity = Bearer(scope, who.counter.partition(":")[2])
    await spend_all(given, entity)

    before = await ask(client, who)
    await ledger(gateway, 1)
    moment = Millis(int((now + timedelta(seconds=1)).timestamp() * 1000))
    await reset(gateway.stores, moment)
    (first,) = await ledger(gateway, 1)
    await drain(gateway.stores, moment)
    after = await ask(client, who)

    assert (200, 200) == (before.status_code, after.status_code)
    seed = (await budget_seeds(gateway.stores.postgres, [entity])).by_bearer[entity]
    assert int(first["spend"]) == seed.spend


TABLES: dict[Scope, LiteralString] = {
    Scope.KEY: "update litellm_verificationtoken set {} where token = %(id)s",
    Scope.USER: "update litellm_usertable set {} where user_id = %(id)s",
    Scope.TEAM: "update litellm_teamtable set {} where team_id = %(id)s",
    Scope.TEAM_MEMBER: (
        "update litellm_teammembership set {} where team_id || '/' || user_id = %(id)s"
    ),
    Scope.ORG: "update litellm_organizationtable set {} where organization_id = %(id)s",
    Scope.END_USER: "update litellm_endusertable set {} where user_id = %(id)s",
    Scope.TAG: "update litellm_tagtable set {} where tag_name = %(id)s",
}


async def spend_all(given: Given, entity: Bearer) -> None:
    """Have an entity spend a dollar in a period that began yesterday."""
    columns: LiteralString = "spend = 1, budget_started_at = now() - interval '1 day'"
    statement = TABLES[entity.scope].format(columns)
    await given.stores.postgres.run(statement, id=entity.entity_id)


async def test_a_members_budget_is_its_teams_for_members_without_one(
    client: httpx.AsyncClient, given: Given
) -> None:
    row = await given.budget(max_budget=0)
    team = await given.team(metadata=f'{{"team_member_budget_id": "{row}"}}')
    user = await given.user()
    await given.row("litellm_teammembership", team_id=team, user_id=user)
    key = await given.key(team_id=team, user_id=user)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert reply.json()["error"]["message"].startswith(
        f"Budget has been exceeded! User={user} in Team={team} "
    )


@pytest.mark.parametrize("status", [200, 422])
async def test_a_teams_key_spends_its_users_budget_only_where_configured(
    proxy: Proxy, given: Given, provider: Provider, status: int
) -> None:
    settings: Json = {"apply_user_budget_to_team_keys": status == 422}
    _, client = await proxy(model("gpt", provider.url), general_settings=settings)
    key = await given.key(user_id=await given.user(max_budget=0), team_id=await given.team())

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert status == reply.status_code


async def test_a_free_model_is_refused_by_no_budget(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    free = model("gpt", provider.url, input_cost_per_token=0, output_cost_per_token=0)
    _, client = await proxy(free, litellm_settings={"max_budget": 0})
    who = await limited(given, Scope.ORG, max_budget=0)

    assert 200 == (await ask(client, who)).status_code


@pytest.mark.parametrize("scope", LINKED)
async def test_what_is_linked_later_counts_on_the_next_call(
    client: httpx.AsyncClient, given: Given, scope: Scope
) -> None:
    free = await given.budget()
    who = await linked(given, scope, free)
    entity = (scope, who.counter.partition(":")[2])
    await given.budget(budget_id="none-left", max_budget=0)
    first = await ask(client, who)

    await given.change(entity, TABLES[scope].format("budget_id = 'none-left'"))

    assert (200, 422) == (first.status_code, (await ask(client, who)).status_code)


async def test_the_first_limit_of_a_kind_counts_on_the_next_call_of_whom_nobody_looked_for(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key()
    body = {**CALL, "user": "customer"}
    first = await client.post(CHAT, json=body, headers=key.headers)
    await given.budget(budget_id="none-left", max_budget=0)

    await given.change(
        (Scope.END_USER, "customer"),
        "insert into litellm_endusertable (user_id, budget_id) values (%(id)s, 'none-left')",
        beside=[(Scope.LIMITED, "end_user")],
    )

    second = await client.post(CHAT, json=body, headers=key.headers)
    assert (200, 422) == (first.status_code, second.status_code)


@pytest.mark.parametrize("scope", [Scope.ORG, Scope.END_USER])
async def test_who_is_blocked_is_refused(
    client: httpx.AsyncClient, given: Given, scope: Scope
) -> None:
    who = await limited(given, scope)
    await ask(client, who)

    await given.change(
        (scope, who.counter.partition(":")[2]), TABLES[scope].format("blocked = true")
    )

    assert {Scope.ORG: 401, Scope.END_USER: 400}[scope] == (await ask(client, who)).status_code
