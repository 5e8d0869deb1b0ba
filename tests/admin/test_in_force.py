"""What is changed here holds for the next call at a gateway that has the key warm."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import pytest

from functions.proxy.app import make_app
from shared.auth.directory import Directory
from shared.config.live import LiveConfig
from shared.domain import Millis
from shared.gateway.gateway import Gateway
from shared.ledger.drain import drain
from shared.ledger.republish import republish
from shared.storage.stores import Stores
from tests.admin.asking import MASTER_KEY
from tests.gateway.given import model, price_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.admin.asking import Admin, Json
    from tests.provider import Provider

HELLO = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 10}


@pytest.fixture
async def gateway(admin: Admin, provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    """Another process: its own memory, its own connections."""
    data: Json = {"model_list": [model("gpt", provider.url)]}
    settings, stores = admin.state.settings, Stores.open(admin.state.settings)
    live = LiveConfig.over(data, settings, stores, {})
    gateway = Gateway(settings, live.current, stores, Directory(stores), live)
    transport = httpx.ASGITransport(make_app(gateway))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield http
    await gateway.close()


async def chat(gateway: httpx.AsyncClient, key: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {key}"}
    return await gateway.post("/v1/chat/completions", json=HELLO, headers=headers)


@pytest.mark.parametrize(
    ("path", "change", "status"),
    [
        ("/key/block", {}, 401),
        ("/key/delete", {}, 401),
        ("/key/update", {"models": ["another"]}, 403),
        ("/key/update", {"max_budget": 0}, 422),
        ("/key/update", {"spend": 10}, 422),
        ("/key/update", {"rpm_limit": 0}, 429),
        ("/user/update", {"max_budget": 0}, 422),
        ("/user/update", {"models": ["another"]}, 403),
        ("/team/update", {"max_budget": 0}, 422),
        ("/team/block", {}, 401),
    ],
)
async def test_a_change_refuses_the_very_next_call(
    admin: Admin, gateway: httpx.AsyncClient, path: str, change: Json, status: int
) -> None:
    await admin.given_team(team_id="t")
    await admin.given_user(user_id="u")
    team = {"team_id": "t"} if path.startswith("/team") else {}
    key = (await admin.given_key(user_id="u", max_budget=10, **team))["key"]
    assert 200 == (await chat(gateway, key)).status_code
    named = {"key": key, "keys": [key], "user_id": "u", "team_id": "t"}
    if path.startswith("/key"):
        named = {"key": key, "keys": [key]}

    await admin.made(path, **named, **change)

    assert status == (await chat(gateway, key)).status_code


async def test_a_spent_budget_is_open_again_once_spend_is_set_back(
    admin: Admin, gateway: httpx.AsyncClient
) -> None:
    key = (await admin.given_key(max_budget=1, spend=1))["key"]
    spent = await chat(gateway, key)

    await admin.made("/key/update", key=key, spend=0)

    assert (422, 200) == (spent.status_code, (await chat(gateway, key)).status_code)


async def test_what_a_call_cost_stands_in_the_key_and_in_the_logs(
    admin: Admin, gateway: httpx.AsyncClient
) -> None:
    made = await admin.given_key(user_id="u")
    reply = await chat(gateway, made["key"])

    await drain(admin.state.desk.stores, now())

    usage = reply.json()["usage"]
    cost = price_of(usage["prompt_tokens"], usage["completion_tokens"]) / 1e9
    (row,) = (await admin.get("/spend/logs", {"api_key": made["key"]})).json()
    assert cost > 0
    assert (cost, cost) == ((await admin.info(made["key"]))["spend"], row["spend"])
    assert ("u", reply.json()["id"]) == (row["user"], row["request_id"])


async def test_what_was_spent_before_spend_was_set_does_not_come_on_top(
    admin: Admin, gateway: httpx.AsyncClient
) -> None:
    made = await admin.given_key(max_budget=1)
    await chat(gateway, made["key"])

    await admin.made("/key/update", key=made["key"], spend=0.5)
    await drain(admin.state.desk.stores, now())

    assert 0.5 == (await admin.info(made["key"]))["spend"]


async def test_a_change_made_without_redis_holds_after_the_next_repair(
    admin: Admin, gateway: httpx.AsyncClient
) -> None:
    key = (await admin.given_key())["key"]
    assert 200 == (await chat(gateway, key)).status_code
    admin.door.faults.add("refuse", times=None)
    await admin.made("/key/block", key=key)
    admin.door.faults.clear()

    await republish(admin.state.desk.stores, now())

    assert 401 == (await chat(gateway, key)).status_code


async def test_the_master_key_needs_no_row(gateway: httpx.AsyncClient) -> None:
    assert 200 == (await chat(gateway, MASTER_KEY)).status_code


def now() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


@pytest.mark.parametrize(
    ("method", "path", "change", "status"),
    [
        ("POST", "/user/delete", {"user_ids": ["u"]}, 401),
        ("POST", "/team/delete", {"team_ids": ["t"]}, 401),
        ("DELETE", "/organization/delete", {"organization_ids": ["o"]}, 401),
        ("POST", "/team/member_delete", {"team_id": "t", "user_id": "u"}, 401),
        ("POST", "/budget/update", {"budget_id": "b", "max_budget": 0}, 422),
        ("PATCH", "/organization/update", {"organization_id": "o", "rpm_limit": 0}, 429),
        ("POST", "/team/member_update", {"team_id": "t", "user_id": "u", "rpm_limit": 0}, 429),
        ("POST", "/team/update", {"team_id": "t", "team_member_rpm_limit": 0}, 429),
        ("POST", "/customer/block", {"user_ids": ["c"]}, 400),
        ("POST", "/customer/new", {"user_id": "c", "rpm_limit": 0}, 429),
        ("POST", "/tag/new", {"name": "g", "rpm_limit": 0}, 429),
    ],
)
async def test_a_change_above_the_key_refuses_the_very_next_call(
    admin: Admin, gateway: httpx.AsyncClient, method: str, path: str, change: Json, status: int
) -> None:
    await admin.made("/organization/new", organization_id="o")
    await admin.made("/budget/new", budget_id="b", max_budget=10)
    members = [{"role": "user", "user_id": "u"}]
    await admin.given_team(team_id="t", organization_id="o", members_with_roles=members)
    key = (await admin.given_key(user_id="u", team_id="t", budget_id="b"))["key"]
    body = {**HELLO, "user": "c", "metadata": {"tags": ["g"]}}
    headers = {"authorization": f"Bearer {key}"}
    before = await gateway.post("/v1/chat/completions", json=body, headers=headers)

    await admin.done(method, path, change)
    after = await gateway.post("/v1/chat/completions", json=body, headers=headers)

    assert (200, status) == (before.status_code, after.status_code), after.text


async def test_a_former_secret_serves_on_for_two_calls_of_redis(
    admin: Admin, gateway: httpx.AsyncClient
) -> None:
    key = (await admin.given_key())["key"]
    first = await chat(gateway, key)
    new = await admin.made("/key/regenerate", key=key, grace_period="1h")
    second = await chat(gateway, key)
    admin.door.calls.reset()

    third = await chat(gateway, key)

    assert [200, 200, 200] == [reply.status_code for reply in (first, second, third)]
    assert 2 == admin.door.calls.http
    assert 200 == (await chat(gateway, new["key"])).status_code


async def test_a_former_secret_is_refused_at_once_without_grace(
    admin: Admin, gateway: httpx.AsyncClient
) -> None:
    key = (await admin.given_key())["key"]
    first = await chat(gateway, key)

    await admin.made("/key/regenerate", key=key)

    assert (200, 401) == (first.status_code, (await chat(gateway, key)).status_code)
