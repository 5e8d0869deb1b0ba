"""Deployments with a `mock_response` of their own: they answer everywhere and ask nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway.given import CALL, CHAT, ledger, model, names, router

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.domain import JsonObject
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

SAID = "Hello from nobody"
TURN: JsonObject = {"role": "user", "content": "Hello"}
ASK: JsonObject = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
ENTRANCES: list[tuple[str, JsonObject]] = [
    (CHAT, CALL),
    ("/v1/completions", {"model": "gpt", "prompt": "Hello"}),
    ("/v1/messages", {"model": "gpt", "max_tokens": 9, "messages": [TURN]}),
    ("/v1/responses", {"model": "gpt", "input": "Hello"}),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("route", "body"), ENTRANCES)
async def test_it_answers_at_every_entrance(
    proxy: Proxy, given: Given, provider: Provider, route: str, body: JsonObject, *, stream: bool
) -> None:
    gateway, client = await proxy(model("gpt", provider.url, mock_response=SAID))
    key = await given.key()

    reply = await client.post(route, json={**body, "stream": stream}, headers=key.headers)

    assert (200, []) == (reply.status_code, provider.requests)
    assert all(word in reply.text for word in SAID.split())
    (row,) = await ledger(gateway, 1)
    assert int(row["spend"]) > 0


@pytest.mark.parametrize("verb", ["generateContent", "streamGenerateContent"])
async def test_it_answers_in_googles_words(
    proxy: Proxy, given: Given, provider: Provider, verb: str
) -> None:
    _, client = await proxy(model("gpt", provider.url, mock_response=SAID))
    key = await given.key()

    reply = await client.post(f"/v1beta/models/gpt:{verb}", json=ASK, headers=key.headers)

    assert (200, []) == (reply.status_code, provider.requests)
    assert all(word in reply.text for word in SAID.split())


async def test_a_caller_may_want_other_words(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("gpt", provider.url, mock_response=SAID))
    key = await given.key()

    reply = await client.post(CHAT, json={**CALL, "mock_response": "Hi"}, headers=key.headers)

    assert "Hi" == reply.json()["choices"][0]["message"]["content"]


async def test_one_that_fails_rests_and_its_sibling_answers(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url, mock_response="litellm.RateLimitError", order=1),
        model("gpt", provider.url, mock_response=SAID, order=2),
        **router(num_retries=1),
    )
    key = await given.key()

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert SAID == reply.json()["choices"][0]["message"]["content"]
    assert 1 == len(await names(gateway, "cooldown:*"))


async def test_its_tokens_are_counted_by_the_gateway(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(
        model("gpt", provider.url, model="anthropic/claude-sonnet-4-5", mock_response=SAID)
    )
    key = await given.key()

    body = {"model": "gpt", "messages": [TURN]}
    reply = await client.post("/v1/messages/count_tokens", json=body, headers=key.headers)

    assert (200, []) == (reply.status_code, provider.requests)
    assert reply.json()["input_tokens"] > 0


async def test_what_is_not_said_in_words_is_refused(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url, mock_response=SAID))
    key = await given.key()

    body = {"model": "gpt", "input": "Hello"}
    reply = await client.post("/v1/embeddings", json=body, headers=key.headers)

    assert (400, "model", []) == (
        reply.status_code,
        reply.json()["error"]["param"],
        provider.requests,
    )
    (row,) = await ledger(gateway, 1)
    assert 0 == int(row["spend"])
