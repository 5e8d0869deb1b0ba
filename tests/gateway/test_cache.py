"""The response cache from the door: hits without a provider, by tenant, streamed and in parts."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shared.storage.redis import Redis
from tests.gateway.given import CALL, CHAT, counter, ledger, model, names
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from local.door.server import DoorThread
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

STREAM = {**CALL, "stream": True, "stream_options": {"include_usage": True}}
ON: Any = {"litellm_settings": {"cache": True}}


async def kept(gateway: Gateway, count: int = 1) -> None:
    """Wait until that many entries are there: a call settles after its last byte."""
    async with asyncio.timeout(60):
        while len(await names(gateway, "cache:*")) < count:  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.01)


async def test_an_equal_call_is_answered_in_one_redis_call_without_a_provider(
    proxy: Proxy, given: Given, provider: Provider, door: DoorThread
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), **ON)
    key = await given.key(max_budget=1)
    first = await client.post(CHAT, json=CALL, headers=key.headers)
    await kept(gateway)
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    door.calls.reset()

    second = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (1, 1) == (door.calls.http, len(provider.requests))
    assert first.json() == second.json()
    assert "x-litellm-cache-key" not in first.headers
    (name,) = await names(gateway, "cache:*")
    assert name == "cache:" + second.headers["x-litellm-cache-key"]
    assert "0.0" == second.headers["x-litellm-response-cost"]
    paid, free = await ledger(gateway, 2)
    told = orjson.loads(free["row"])
    assert ("0", True, name) == (free["spend"], told["cache_hit"], f"cache:{told['cache_key']}")
    assert paid["prompt_tokens"] == free["prompt_tokens"]
    assert budget == await counter(gateway, f"budget:key:{key.hash}:-")


async def test_a_stream_is_given_again_as_a_stream(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), **ON)
    key = await given.key()
    first = await client.post(CHAT, json=STREAM, headers=key.headers)
    await kept(gateway)

    second = await client.post(CHAT, json=STREAM, headers=key.headers)

    assert 1 == len(provider.requests)
    assert first.text == second.text
    assert second.text.endswith("data: [DONE]\n\n")
    assert "x-litellm-cache-key" in second.headers


async def test_a_stream_that_breaks_off_is_not_kept(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), **ON)
    key = await given.key()
    provider.next(Behaviour(resets=3))
    await client.post(CHAT, json=STREAM, headers=key.headers)
    await ledger(gateway, 1)

    await client.post(CHAT, json=STREAM, headers=key.headers)

    assert 2 == len(provider.requests)


async def test_tenants_do_not_have_each_others_answers_unless_shared(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), **ON)
    team = await given.team()
    keys = [await given.key(team_id=team), await given.key(team_id=team), await given.key()]
    for key in keys:
        await client.post(CHAT, json=CALL, headers=key.headers)
        await kept(gateway)

    assert 2 == len(provider.requests)


async def test_shared_answers_are_everybodys(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    params = {"cache": True, "cache_params": {"share_between_tenants": True}}
    gateway, client = await proxy(model("gpt", provider.url), litellm_settings=params)
    for key in [await given.key(), await given.key()]:
        await client.post(CHAT, json=CALL, headers=key.headers)
        await kept(gateway)

    assert 1 == len(provider.requests)


@pytest.mark.parametrize(
    ("first", "second", "asked"),
    [
        ({}, {"no-cache": True}, 2),
        ({"no-store": True}, {}, 2),
        ({"namespace": "a"}, {}, 2),
        ({"namespace": "a"}, {"namespace": "a"}, 1),
        ({}, {"s-maxage": 0}, 2),
        ({}, {"s-maxage": 100}, 1),
        ({"ttl": 0}, {}, 2),
    ],
)
async def test_controls_of_a_request(
    proxy: Proxy,
    given: Given,
    provider: Provider,
    first: dict[str, Any],
    second: dict[str, Any],
    asked: int,
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), **ON)
    key = await given.key()
    await client.post(CHAT, json={**CALL, "cache": first}, headers=key.headers)
    await ledger(gateway, 1)
    await asyncio.sleep(0.002)  # an entry of this very millisecond is 0 ms old

    await client.post(CHAT, json={**CALL, "cache": second}, headers=key.headers)

    assert asked == len(provider.requests)
    assert all("cache" not in request.json for request in provider.requests)


async def test_a_control_that_does_not_exist_is_refused(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key()

    reply = await client.post(CHAT, json={**CALL, "cache": {"x": 1}}, headers=key.headers)

    assert (400, "cache") == (reply.status_code, reply.json()["error"]["param"])


async def test_equal_calls_at_once_ask_the_provider_once(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("gpt", provider.url), **ON)
    key = await given.key()
    provider.default = Behaviour(seconds_before_head=0.2)

    replies = await asyncio.gather(
        *(client.post(CHAT, json=CALL, headers=key.headers) for _ in range(10))
    )

    assert [200] * 10 == [reply.status_code for reply in replies]
    assert 1 == len(provider.requests)
    assert 1 == len({reply.text for reply in replies})


async def test_who_waits_in_vain_asks_as_well(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    params = {"cache": True, "cache_params": {"wait_seconds": 0.1}}
    _, client = await proxy(model("gpt", provider.url), litellm_settings=params)
    key = await given.key()
    provider.next(Behaviour(holds=-1))
    slow = asyncio.create_task(client.post(CHAT, json=CALL, headers=key.headers))
    await provider.received(1)

    quick = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (200, 2) == (quick.status_code, len(provider.requests))
    provider.release()
    assert 200 == (await slow).status_code


async def embed(client: httpx.AsyncClient, key: GivenKey, given_input: object) -> Any:  # noqa: ANN401
    reply = await client.post(
        "/v1/embeddings", json={"model": "gpt", "input": given_input}, headers=key.headers
    )
    assert 200 == reply.status_code, reply.text
    return reply.json()


async def test_only_inputs_whose_embedding_is_not_known_are_asked_for(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), **ON)
    key = await given.key()
    alone = await embed(client, key, "two")
    await kept(gateway)

    three = await embed(client, key, ["one", "two", "three"])
    await kept(gateway, 3)
    again = await embed(client, key, ["three", "one"])

    assert [["two"], ["one", "three"]] == [
        inputs if isinstance(inputs := request.json["input"], list) else [inputs]
        for request in provider.requests
    ]
    vectors = [item["embedding"] for item in three["data"]]
    assert [0, 1, 2] == [item["index"] for item in three["data"]]
    assert alone["data"][0]["embedding"] == vectors[1]
    assert [vectors[2], vectors[0]] == [item["embedding"] for item in again["data"]]
    rows = await ledger(gateway, 3)
    assert "0" == rows[2]["spend"]
    assert again["usage"]["prompt_tokens"] == int(rows[2]["prompt_tokens"])


async def test_an_answer_of_a_fallback_is_not_kept_as_the_models_own(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url),
        model("spare", provider.url),
        router_settings={"num_retries": 0, "fallbacks": [{"gpt": ["spare"]}]},
        **ON,
    )
    key = await given.key()
    provider.next(Behaviour(status=500))

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert "1" == reply.headers["x-litellm-attempted-fallbacks"]
    await ledger(gateway, 1)
    assert [] == await names(gateway, "cache:*")


async def test_an_entry_that_cannot_be_read_is_asked_for_anew(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), **ON)
    key = await given.key()
    await client.post(CHAT, json=CALL, headers=key.headers)
    await kept(gateway)
    (name,) = await names(gateway, "cache:*")
    broken = '{"at":99999999999999,"prompt":1,"completion":1,"body":[]}'
    await gateway.stores.redis.execute(["SET", name, broken])

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (200, 2) == (reply.status_code, len(provider.requests))


async def test_a_cache_of_its_own_costs_one_call_more(
    open_gateway: Callable[..., Gateway],
    serve: Callable[[Gateway], Awaitable[httpx.AsyncClient]],
    given: Given,
    provider: Provider,
    door: DoorThread,
) -> None:
    gateway = open_gateway(model("gpt", provider.url), **ON)
    own = Redis(gateway.stores.http, door.url, door.token, try_seconds=2)
    client = await serve(replace(gateway, stores=replace(gateway.stores, cache=own)))
    key = await given.key(max_budget=1)
    await client.post(CHAT, json=CALL, headers=key.headers)
    await kept(gateway)
    door.calls.reset()

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (2, 1) == (door.calls.http, len(provider.requests))
    assert "x-litellm-cache-key" in reply.headers
    assert "0" == (await ledger(gateway, 2))[1]["spend"]


async def test_a_cache_that_is_down_fails_no_call(
    open_gateway: Callable[..., Gateway],
    serve: Callable[[Gateway], Awaitable[httpx.AsyncClient]],
    given: Given,
    provider: Provider,
) -> None:
    gateway = open_gateway(model("gpt", provider.url), **ON)
    nowhere = Redis(gateway.stores.http, "http://127.0.0.1:1", "", try_seconds=0.2)
    client = await serve(replace(gateway, stores=replace(gateway.stores, cache=nowhere)))
    key = await given.key()

    replies = [await client.post(CHAT, json=CALL, headers=key.headers) for _ in range(2)]

    assert [200, 200] == [reply.status_code for reply in replies]
    assert 2 == len(await ledger(gateway, 2))
    assert 2 == len(provider.requests)


async def test_what_a_teams_own_model_answers_is_not_shared(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    team = await given.team()
    own: Any = {"team_id": team, "team_public_model_name": "gpt"}
    params = {"cache": True, "cache_params": {"share_between_tenants": True}}
    gateway, client = await proxy(
        model("gpt", provider.url),
        model("internal", provider.url, model_info=own),
        litellm_settings=params,
    )
    for count, key in enumerate([await given.key(team_id=team), await given.key()], start=1):
        await client.post(CHAT, json=CALL, headers=key.headers)
        await kept(gateway, count)

    assert 2 == len(provider.requests)
