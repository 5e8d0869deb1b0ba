"""Several models in one call, named with commas: all their answers, or the first alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.gateway.given import CHAT, counter, ledger, model, names
from tests.provider import Behaviour, Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CALL: dict[str, Any] = {"model": "a, b", "messages": [{"role": "user", "content": "Hello"}]}
FASTEST = {**CALL, "fastest_response": True}


async def test_all_answers_come_in_the_order_of_the_models_each_with_a_row_of_its_own(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(model("a", provider.url), model("b", other.url))
    key = await given.key(max_budget=1)
    provider.default = Behaviour(seconds_before_head=0.1)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert ["a", "b"] == [answer["model"] for answer in reply.json()]
    assert 2 == len({row["id"] for row in await ledger(gateway, 2)})


async def test_an_error_stands_in_the_place_of_its_answer(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    _, client = await proxy(model("a", provider.url), model("b", other.url))
    key = await given.key()
    provider.default = Behaviour(status=400)

    failed, answer = (await client.post(CHAT, json=CALL, headers=key.headers)).json()

    assert ("400", "b") == (failed["error"]["code"], answer["model"])


async def test_where_none_has_an_answer_the_first_error_is_the_callers(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("a", provider.url), model("b", provider.url))
    key = await given.key(models=["c"])

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (403, []) == (reply.status_code, provider.requests)


async def test_each_model_is_checked_against_the_keys_list(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    _, client = await proxy(model("a", provider.url), model("b", other.url))
    key = await given.key(models=["b"])

    refused, answer = (await client.post(CHAT, json=CALL, headers=key.headers)).json()

    assert ("403", "b", 0) == (refused["error"]["code"], answer["model"], len(provider.requests))


@pytest.mark.parametrize("stream", [False, True])
async def test_the_first_answer_wins_and_the_loser_is_ended_and_costs_nothing(
    proxy: Proxy, given: Given, provider: Provider, other: Provider, *, stream: bool
) -> None:
    gateway, client = await proxy(model("a", provider.url), model("b", other.url))
    key = await given.key(max_budget=1)
    provider.default = Behaviour(holds=-1)

    reply = await client.post(CHAT, json={**FASTEST, "stream": stream}, headers=key.headers)

    assert 200 == reply.status_code
    assert '"model":"b"' in reply.text
    await provider.lost(1)
    rows = {orjson.loads(row["row"])["model_group"]: row for row in await ledger(gateway, 2)}
    assert ("0", True) == (rows["a"]["spend"], int(rows["b"]["spend"]) > 0)
    async with asyncio.timeout(60):
        while (await counter(gateway, f"budget:key:{key.hash}:-"))["reserved"] != "0":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert [] == await names(gateway, "parallel:deployment:*")


async def test_a_failure_does_not_win(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    _, client = await proxy(model("a", provider.url), model("b", other.url))
    key = await given.key()
    provider.default = Behaviour(status=400)
    other.default = Behaviour(seconds_before_head=0.1)

    reply = await client.post(CHAT, json=FASTEST, headers=key.headers)

    assert (200, "b") == (reply.status_code, reply.json()["model"])


async def test_when_all_fail_the_race_has_the_first_models_error(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("a", provider.url), model("b", provider.url))
    key = await given.key()
    provider.default = Behaviour(status=400)

    reply = await client.post(CHAT, json=FASTEST, headers=key.headers)

    assert 400 == reply.status_code


@pytest.mark.parametrize("name", ["a,", ",".join("abcdefghijk")])
async def test_what_is_no_list_of_models_is_refused(
    client: httpx.AsyncClient, given: Given, name: str
) -> None:
    key = await given.key()

    reply = await client.post(CHAT, json={**CALL, "model": name}, headers=key.headers)

    assert (400, "model") == (reply.status_code, reply.json()["error"]["param"])


async def test_all_answers_do_not_come_as_a_stream(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key()

    reply = await client.post(CHAT, json={**CALL, "stream": True}, headers=key.headers)

    assert (400, "stream") == (reply.status_code, reply.json()["error"]["param"])
