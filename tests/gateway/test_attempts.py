"""Retries on another deployment, cooldowns and fallbacks, with one row for the whole call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest

from tests.gateway.given import CHAT, counter, ledger, model, price_of
from tests.provider import Behaviour, Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CALL = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
STREAM = {**CALL, "stream": True}


@pytest.mark.parametrize("body", [CALL, STREAM], ids=["buffered", "streamed"])
@pytest.mark.parametrize(
    "failure",
    [Behaviour(status=500), Behaviour(status=429), Behaviour(resets=-1), Behaviour(resets=0)],
    ids=["500", "429", "reset", "reset after the head"],
)
async def test_a_failed_deployment_is_replaced_by_its_sibling(
    proxy: Proxy,
    given: Given,
    provider: Provider,
    other: Provider,
    body: dict[str, object],
    failure: Behaviour,
) -> None:
    # `order` makes the first choice certain.
    gateway, client = await proxy(
        model("gpt", provider.url, order=1), model("gpt", other.url, order=2)
    )
    key = await given.key(max_budget=1)
    provider.default = failure

    reply = await client.post(CHAT, json=body, headers=key.headers)

    assert 200 == reply.status_code, reply.text
    assert "1" == reply.headers["x-litellm-attempted-retries"]
    assert (1, 1) == (len(provider.requests), len(other.requests))
    (row,) = await ledger(gateway, 1)
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert (row["spend"], "0") == (budget["spent"], budget["reserved"])
    assert 2 == orjson.loads(row["row"])["metadata"]["attempts"]


async def test_a_deployment_that_refuses_for_rate_cools_and_gets_no_traffic(
    proxy: Proxy,
    given: Given,
    provider: Provider,
    other: Provider,
) -> None:
    _, client = await proxy(model("gpt", provider.url, order=1), model("gpt", other.url, order=2))
    key = await given.key()
    provider.next(Behaviour(status=429, headers={"retry-after": "30"}))

    for _ in range(4):
        await client.post(CHAT, json=CALL, headers=key.headers)

    assert (1, 4) == (len(provider.requests), len(other.requests))


async def test_a_group_whose_retries_are_spent_falls_back_to_another(
    proxy: Proxy,
    given: Given,
    provider: Provider,
    other: Provider,
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url),
        model("spare", other.url, input_cost_per_token=0.00001, output_cost_per_token=0.00002),
        router_settings={"num_retries": 0, "fallbacks": [{"gpt": ["spare"]}]},
    )
    key = await given.key(max_budget=1)
    provider.default = Behaviour(status=500)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (200, "1") == (reply.status_code, reply.headers["x-litellm-attempted-fallbacks"])
    assert "spare" == reply.json()["model"]
    (row,) = await ledger(gateway, 1)
    usage = reply.json()["usage"]
    assert 10 * price_of(usage["prompt_tokens"], usage["completion_tokens"]) == int(row["spend"])


async def test_a_dearer_fallback_must_fit_the_budget(
    proxy: Proxy,
    given: Given,
    provider: Provider,
    other: Provider,
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url),
        model("spare", other.url, output_cost_per_token=1.0),
        router_settings={"num_retries": 0, "fallbacks": [{"gpt": ["spare"]}]},
    )
    key = await given.key(max_budget=1)
    provider.default = Behaviour(status=500)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 500 == reply.status_code
    assert [] == other.requests
    await ledger(gateway, 1)
    assert "0" == (await counter(gateway, f"budget:key:{key.hash}:-"))["reserved"]


async def test_what_is_wrong_with_the_request_is_not_retried(
    proxy: Proxy,
    given: Given,
    provider: Provider,
) -> None:
    _, client = await proxy(model("gpt", provider.url), model("gpt", provider.url))
    key = await given.key()
    provider.default = Behaviour(status=400)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (400, 1) == (reply.status_code, len(provider.requests))


async def test_a_call_that_failed_everywhere_costs_nothing_and_says_so_in_its_row(
    proxy: Proxy,
    given: Given,
    provider: Provider,
    other: Provider,
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), model("gpt", other.url))
    key = await given.key(max_budget=1)
    provider.default = other.default = Behaviour(status=503)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 503 == reply.status_code
    (row,) = await ledger(gateway, 1)
    assert ("0", "failure") == (row["spend"], orjson.loads(row["row"])["metadata"]["status"])
    assert "0" == (await counter(gateway, f"budget:key:{key.hash}:-"))["reserved"]


async def test_a_stream_that_breaks_after_its_first_byte_ends_with_an_error_event_and_is_billed(
    proxy: Proxy,
    given: Given,
    provider: Provider,
) -> None:
    gateway, client = await proxy()
    key = await given.key(max_budget=1)
    provider.next(Behaviour(resets=3))

    reply = await client.post(CHAT, json=STREAM, headers=key.headers)

    events = [
        orjson.loads(line[6:]) for line in reply.text.split("\n") if line.startswith("data: {")
    ]
    assert 200 == reply.status_code
    assert {"message", "type", "param", "code"} == events[-1]["error"].keys()
    assert 1 == len(provider.requests)
    (row,) = await ledger(gateway, 1)
    assert int(row["spend"]) > 0
    assert "0" == (await counter(gateway, f"budget:key:{key.hash}:-"))["reserved"]
