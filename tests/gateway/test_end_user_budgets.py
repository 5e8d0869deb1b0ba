"""End users without a budget of their own: the key's default, else the proxy's, at once."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from shared.domain import Millis, Scope
from shared.ledger.drain import drain
from shared.ledger.reconcile import reconcile
from shared.ledger.reset import reset
from tests.gateway.given import MASTER_KEY, counter, ledger, model, names
from tests.gateway.test_stores import no_sql

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from local.door.server import DoorThread
    from shared.domain import Json
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CALL = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
CHAT = "/v1/chat/completions"
DEFAULT = {"max_end_user_budget_id": "for-everyone"}


async def ask(client: httpx.AsyncClient, key: GivenKey, user: str = "ann") -> httpx.Response:
    return await client.post(CHAT, json={**CALL, "user": user}, headers=key.headers)


async def row(gateway: Gateway, user: str = "ann") -> dict[str, Any] | None:
    return await gateway.stores.postgres.one(
        "select (spend * 1000000000)::bigint as spent, budget_id, is_counted "
        "from litellm_endusertable where user_id = %(user)s",
        user=user,
    )


async def test_an_end_user_nobody_made_is_held_to_the_default_from_its_first_call(
    proxy: Proxy, given: Given
) -> None:
    _, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=0)
    key = await given.key()

    reply = await ask(client, key)

    sentence = "ExceededBudget: End User=ann over budget. Spend=0.0, Budget=0.0"
    assert (422, sentence) == (reply.status_code, reply.json()["error"]["message"])


@pytest.mark.parametrize(
    ("general", "headers", "status"),
    [
        ({"user_header_name": "X-OpenWebUI-User-Id"}, {"x-openwebui-user-id": "ann"}, 422),
        ({"user_header_name": "X-OpenWebUI-User-Id"}, {"x-openwebui-user-id": ""}, 200),
        ({"user_header_name": "X-A"}, {"x-a": "ann", "x-litellm-end-user-id": "bob"}, 200),
        (
            {"user_header_mappings": [{"header_name": "X-C", "litellm_user_role": "customer"}]},
            {"x-c": "ann"},
            422,
        ),
        ({}, {"x-openwebui-user-id": "ann"}, 200),
    ],
)
async def test_the_header_of_the_configuration_names_the_end_user(
    proxy: Proxy, given: Given, general: Json, headers: dict[str, str], status: int
) -> None:
    _, client = await proxy(general_settings=general)
    budget_id = await given.budget(max_budget=0)
    await given.row("litellm_endusertable", user_id="ann", budget_id=budget_id)
    key = await given.key()

    reply = await client.post(CHAT, json=CALL, headers={**key.headers, **headers})

    assert status == reply.status_code


@pytest.mark.slow
async def test_a_call_that_names_nobody_is_held_to_no_default(proxy: Proxy, given: Given) -> None:
    _, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=0)
    key = await given.key()

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 200 == reply.status_code


async def test_one_end_users_spend_leaves_anothers_budget_whole(proxy: Proxy, given: Given) -> None:
    _, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=1)
    await given.row("litellm_endusertable", user_id="ann", spend=1)
    key = await given.key()

    codes = [(await ask(client, key, user)).status_code for user in ("ann", "bob")]

    assert [422, 200] == codes


async def test_a_budget_of_its_own_goes_before_every_default(proxy: Proxy, given: Given) -> None:
    _, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=0)
    await given.budget(budget_id="anns", max_budget=1)
    await given.row("litellm_endusertable", user_id="ann", budget_id="anns")
    key = await given.key(metadata=json.dumps({"end_user_budget_id": "for-everyone"}))

    reply = await ask(client, key)

    assert 200 == reply.status_code


@pytest.mark.parametrize(("of_key", "of_proxy", "status"), [(1, 0, 200), (0, 1, 422)])
async def test_the_keys_default_goes_before_the_proxys(
    proxy: Proxy, given: Given, of_key: int, of_proxy: int, status: int
) -> None:
    _, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=of_proxy)
    await given.budget(budget_id="of-the-key", max_budget=of_key)
    key = await given.key(metadata=json.dumps({"end_user_budget_id": "of-the-key"}))

    reply = await ask(client, key)

    assert status == reply.status_code


@pytest.mark.slow
async def test_where_the_keys_default_is_gone_the_proxys_holds(proxy: Proxy, given: Given) -> None:
    _, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=0)
    key = await given.key(metadata=json.dumps({"end_user_budget_id": "gone"}))

    reply = await ask(client, key)

    assert 422 == reply.status_code


@pytest.mark.slow
async def test_a_default_that_is_nowhere_limits_nobody(proxy: Proxy, given: Given) -> None:
    _, client = await proxy(litellm_settings=DEFAULT)
    key = await given.key()

    reply = await ask(client, key)

    assert 200 == reply.status_code


@pytest.mark.slow
async def test_the_defaults_rates_hold_for_each_end_user(proxy: Proxy, given: Given) -> None:
    _, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", rpm_limit=1)
    key = await given.key()

    codes = [(await ask(client, key, user)).status_code for user in ("ann", "ann", "bob")]

    assert [200, 429, 200] == codes


async def test_a_warm_call_under_a_default_costs_two_calls_of_redis_and_no_sql(
    proxy: Proxy, given: Given, door: DoorThread
) -> None:
    gateway, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=1)
    key = await given.key()
    await ask(client, key)
    await ledger(gateway, 1)
    no_sql(gateway)
    door.calls.reset()

    reply = await ask(client, key)

    await ledger(gateway, 2)
    calls = {name: n for name, n in door.calls.by_command.items() if name != "XRANGE"}
    assert (200, {"EVALSHA": 2}) == (reply.status_code, calls)


async def test_keys_with_spans_of_their_own_do_not_disturb_each_other(
    proxy: Proxy, given: Given
) -> None:
    gateway, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=1, budget_duration="30d")
    await given.budget(budget_id="a-day", max_budget=1, budget_duration="1d")
    daily = await given.key(metadata=json.dumps({"end_user_budget_id": "a-day"}))
    plain = await given.key()

    codes = [(await ask(client, key)).status_code for key in (daily, plain, daily, plain)]

    await ledger(gateway, 4)
    counters = await names(gateway, "budget:end_user:*")
    own = await counter(gateway, "budget:end_user:ann:-")
    of_day = await counter(gateway, "budget:end_user:ann:1d")
    assert [200, 200, 200, 200] == codes
    assert {"budget:end_user:ann:-", "budget:end_user:ann:1d"} == set(counters)
    assert int(own["spent"]) == 2 * int(of_day["spent"])


async def test_a_keys_default_for_a_span_refuses_over_it(proxy: Proxy, given: Given) -> None:
    _, client = await proxy()
    await given.budget(budget_id="a-day", max_budget=0, budget_duration="1d")
    key = await given.key(metadata=json.dumps({"end_user_budget_id": "a-day"}))

    reply = await ask(client, key)

    sentence = "ExceededBudget: End User over 1d budget. Spend=$0.0, Limit=$0.0"
    assert (422, sentence) == (reply.status_code, reply.json()["error"]["message"])


async def test_counter_ledger_and_column_of_a_defaulted_end_user_agree(
    proxy: Proxy, given: Given
) -> None:
    gateway, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=1)
    key = await given.key()
    await ask(client, key)
    await client.post(
        CHAT, json={**CALL, "user": "ann"}, headers={"authorization": f"Bearer {MASTER_KEY}"}
    )
    mine, _ = await ledger(gateway, 2)

    await drain(gateway.stores, gateway.clock.now())
    report = await reconcile(gateway.stores, gateway.clock.now())

    budget = await counter(gateway, "budget:end_user:ann:-")
    found = await row(gateway)
    assert found == {"spent": int(mine["spend"]), "budget_id": None, "is_counted": True}
    assert (int(mine["spend"]), 0) == (int(budget["spent"]), report.mended)


@pytest.mark.slow
async def test_the_spend_of_a_period_that_is_over_does_not_count(
    proxy: Proxy, given: Given
) -> None:
    now = datetime.now(UTC)
    _, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(
        budget_id="for-everyone",
        max_budget=1,
        budget_duration="1d",
        budget_reset_at=now - timedelta(seconds=1),
    )
    await given.row(
        "litellm_endusertable", user_id="ann", spend=2, budget_started_at=now - timedelta(days=2)
    )
    key = await given.key()

    reply = await ask(client, key)

    assert 200 == reply.status_code


async def test_the_job_starts_the_columns_of_defaulted_end_users_afresh(
    given: Given, gateway: Gateway
) -> None:
    now = datetime.now(UTC)
    moment = Millis(int(now.timestamp() * 1000))
    past = {"spend": 2, "budget_started_at": now - timedelta(days=2)}
    due = {"budget_duration": "1d", "budget_reset_at": now - timedelta(seconds=1)}
    await given.budget(budget_id="for-everyone", **due)
    await given.budget(budget_id="anns")
    await given.row("litellm_endusertable", user_id="ann", budget_id="anns", **past)
    await given.row("litellm_endusertable", user_id="bob", **past)

    await reset(gateway.stores, moment, end_user_budget_id="for-everyone")

    found = [await row(gateway, user) for user in ("ann", "bob")]
    assert [2_000_000_000, 0] == [each["spent"] for each in found if each]


async def test_a_default_that_is_set_later_holds_for_those_who_called_before(
    proxy: Proxy, given: Given
) -> None:
    _, before = await proxy()
    _, after = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=0)
    await given.row("policy_limited_scope", scope="end_user")
    key = await given.key()
    first = await ask(before, key)

    second = await ask(after, key)

    assert (200, 422) == (first.status_code, second.status_code)


async def test_an_end_user_gets_a_row_when_it_first_spends(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    key = await given.key()
    await ask(client, key)
    await ask(client, key)
    rows = await ledger(gateway, 2)

    await drain(gateway.stores, gateway.clock.now())

    spent = sum(int(each["spend"]) for each in rows)
    assert {"spent": spent, "budget_id": None, "is_counted": False} == await row(gateway)


@pytest.mark.slow
async def test_who_was_deleted_before_its_calls_were_booked_stays_gone(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    budget = await given.budget(max_budget=1)
    await given.row("litellm_endusertable", user_id="ann", budget_id=budget)
    key = await given.key()
    await ask(client, key)
    await ledger(gateway, 1)
    await given.change(
        (Scope.END_USER, "ann"), "delete from litellm_endusertable where user_id = %(id)s"
    )

    await drain(gateway.stores, gateway.clock.now())

    assert None is await row(gateway)


async def test_many_first_calls_of_one_end_user_at_once_overspend_nothing(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    dear = model("gpt", provider.url, input_cost_per_token=0.0001, output_cost_per_token=0.001)
    gateway, client = await proxy(dear, litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=0.2)
    keys = [await given.key() for _ in range(5)]

    replies = await asyncio.gather(*(ask(client, key) for key in keys for _ in range(10)))

    codes = {reply.status_code for reply in replies}
    rows = await ledger(gateway, [reply.status_code for reply in replies].count(200))
    budget = await counter(gateway, "budget:end_user:ann:-")
    assert {200, 422} == codes
    assert (sum(int(each["spend"]) for each in rows), "0") == (
        int(budget["spent"]),
        budget["reserved"],
    )
    assert int(budget["spent"]) <= 200_000_000


@pytest.mark.slow
async def test_with_postgres_down_those_who_called_before_are_served_and_new_ones_told_to_wait(
    proxy: Proxy, given: Given
) -> None:
    gateway, client = await proxy(litellm_settings=DEFAULT)
    await given.budget(budget_id="for-everyone", max_budget=1)
    key = await given.key()
    await ask(client, key)
    await ledger(gateway, 1)
    no_sql(gateway)

    codes = [(await ask(client, key, user)).status_code for user in ("ann", "bob")]

    assert [200, 503] == codes


@pytest.mark.slow
async def test_in_grace_a_new_end_user_is_served_and_has_its_row(
    proxy: Proxy, given: Given, door: DoorThread
) -> None:
    gateway, client = await proxy(litellm_settings={**DEFAULT, "redis_down": "grace"})
    await given.budget(budget_id="for-everyone", max_budget=1)
    key = await given.key()
    await ask(client, key)
    await ledger(gateway, 1)
    door.faults.add("refuse", times=None)

    reply = await ask(client, key, "bob")

    assert 200 == reply.status_code
    assert None is not await row(gateway, "bob")
