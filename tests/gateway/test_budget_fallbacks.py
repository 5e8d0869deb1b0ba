"""A key whose budget of a model is spent is answered by the models it names for that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.gateway.given import ledger, model

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CHAT = "/v1/chat/completions"
CHAIN = {"big": ["middle", "small"]}
NONE = {"budget_limit": 0, "time_period": "1d"}
PLENTY = {"budget_limit": 5, "time_period": "1d"}


async def opened(proxy: Proxy, provider: Provider) -> tuple[Gateway, httpx.AsyncClient]:
    return await proxy(*(model(name, provider.url) for name in ("big", "middle", "small")))


async def given_key(
    given: Given, budgets: dict[str, dict[str, object]], **columns: object
) -> GivenKey:
    return await given.key(
        model_max_budget=json.dumps(budgets), budget_fallbacks=json.dumps(CHAIN), **columns
    )


async def ask(client: httpx.AsyncClient, key: GivenKey, name: str = "big") -> httpx.Response:
    body = {"model": name, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
    return await client.post(CHAT, json=body, headers=key.headers)


async def test_the_first_model_of_the_chain_with_budget_left_answers(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await opened(proxy, provider)
    key = await given_key(given, {"big": NONE, "middle": NONE, "small": PLENTY})

    reply = await ask(client, key)

    (row,) = await ledger(gateway, 1)
    assert (200, "small") == (reply.status_code, reply.json()["model"])
    assert "small" == json.loads(row["row"])["model_group"]


@pytest.mark.slow
async def test_a_model_that_has_budget_is_not_left(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await opened(proxy, provider)
    key = await given_key(given, {"big": PLENTY})

    reply = await ask(client, key)

    assert (200, "big") == (reply.status_code, reply.json()["model"])


@pytest.mark.slow
async def test_a_model_of_the_chain_without_a_budget_is_free_to_answer(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await opened(proxy, provider)
    key = await given_key(given, {"big": NONE})

    reply = await ask(client, key)

    assert (200, "middle") == (reply.status_code, reply.json()["model"])


async def test_where_all_are_spent_the_first_refusal_is_told(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await opened(proxy, provider)
    key = await given_key(given, {"big": NONE, "middle": NONE, "small": NONE})

    reply = await ask(client, key)

    error = reply.json()["error"]
    assert (422, "budget_exceeded") == (reply.status_code, error["type"])
    assert error["message"].endswith("exceeded budget for model=big")
    assert [] == provider.requests


async def test_a_model_the_key_may_not_call_is_no_way_out(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await opened(proxy, provider)
    key = await given_key(given, {"big": NONE}, models=["big"])

    reply = await ask(client, key)

    error = reply.json()["error"]
    assert (422, True) == (reply.status_code, "model=big" in error["message"])


async def test_another_budget_is_no_reason_to_ask_another_model(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await opened(proxy, provider)
    key = await given_key(given, {"big": PLENTY}, max_budget=0)

    reply = await ask(client, key)

    message = reply.json()["error"]["message"]
    assert (422, True) == (reply.status_code, message.startswith("Budget has been exceeded! Key="))


@pytest.mark.slow
async def test_the_limits_of_the_model_that_answers_are_told_as_they_are(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await opened(proxy, provider)
    slow = {"budget_limit": 5, "time_period": "1d", "rpm_limit": 0}
    key = await given_key(given, {"big": NONE, "middle": slow})

    reply = await ask(client, key)

    assert 429 == reply.status_code
