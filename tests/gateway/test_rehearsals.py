"""Mock responses, and fallbacks and retries tried out without a failure of any vendor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from tests.gateway.given import CALL, CHAT, ledger, model, names, router

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_mock_response_asks_nobody_and_is_booked(
    proxy: Proxy, given: Given, provider: Provider, *, stream: bool
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), litellm_settings={"cache": True})
    key = await given.key()

    body = {**CALL, "mock_response": "Hello from nobody", "stream": stream}
    reply = await client.post(CHAT, json=body, headers=key.headers)

    assert (200, []) == (reply.status_code, provider.requests)
    if stream:
        events = [orjson.loads(line[6:]) for line in reply.text.splitlines() if "{" in line]
        said = "".join(event["choices"][0]["delta"].get("content", "") for event in events)
    else:
        said = reply.json()["choices"][0]["message"]["content"]
        assert "gpt" == reply.json()["model"]
    assert "Hello from nobody" == said
    (row,) = await ledger(gateway, 1)
    assert int(row["spend"]) > 0
    assert [] == await names(gateway, "cache:*")


@pytest.mark.parametrize(
    ("text", "status"),
    [("litellm.RateLimitError", 429), ("litellm.InternalServerError", 500)],
)
async def test_a_mock_response_can_be_an_error_that_rests_nobody(
    proxy: Proxy, given: Given, provider: Provider, text: str, status: int
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), model("gpt", provider.url))
    key = await given.key()

    for _ in range(6):
        reply = await client.post(CHAT, json={**CALL, "mock_response": text}, headers=key.headers)
        assert status == reply.status_code

    assert [] == await names(gateway, "cooldown:*")
    assert 200 == (await client.post(CHAT, json=CALL, headers=key.headers)).status_code


@pytest.mark.parametrize(
    ("switch", "setting"),
    [
        ("mock_testing_fallbacks", "fallbacks"),
        ("mock_testing_context_fallbacks", "context_window_fallbacks"),
        ("mock_testing_content_policy_fallbacks", "content_policy_fallbacks"),
    ],
)
async def test_fallbacks_can_be_tried_out(
    proxy: Proxy, given: Given, provider: Provider, other: Provider, switch: str, setting: str
) -> None:
    _, client = await proxy(
        model("gpt", provider.url),
        model("spare", other.url),
        **router(**{setting: [{"gpt": ["spare"]}]}),
    )
    key = await given.key()

    reply = await client.post(CHAT, json={**CALL, switch: True}, headers=key.headers)

    assert (200, 0, 1) == (reply.status_code, len(provider.requests), len(other.requests))
    assert "1" == reply.headers["x-litellm-attempted-fallbacks"]


async def test_a_rate_limit_can_be_tried_out_and_the_retry_answers(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), model("gpt", provider.url))
    key = await given.key()

    body = {**CALL, "mock_testing_rate_limit_error": True}
    reply = await client.post(CHAT, json=body, headers=key.headers)

    assert (200, 1) == (reply.status_code, len(provider.requests))
    told = [reply.headers[f"x-litellm-{name}-retries"] for name in ("attempted", "max")]
    assert ["1", "2"] == told
    assert [] == await names(gateway, "cooldown:*")


async def test_a_failure_is_played_on_other_endpoints_too(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    _, client = await proxy(
        model("embed", provider.url),
        model("spare", other.url),
        **router(fallbacks=[{"embed": ["spare"]}]),
    )
    key = await given.key()

    body = {"model": "embed", "input": "Hello", "mock_testing_fallbacks": True}
    reply = await client.post("/v1/embeddings", json=body, headers=key.headers)

    assert (200, 0, 1) == (reply.status_code, len(provider.requests), len(other.requests))


async def test_an_answer_that_cannot_be_played_is_refused_and_asks_nobody(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()

    body = {"model": "gpt", "input": "Hello", "mock_response": "Hi"}
    reply = await client.post("/v1/embeddings", json=body, headers=key.headers)

    assert (400, "mock_response") == (reply.status_code, reply.json()["error"]["param"])
    assert [] == provider.requests
