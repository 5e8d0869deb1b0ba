"""A chat completion by virtual key, buffered and streamed, from the door to the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from tests.gateway.given import MASTER_KEY, ledger, price_of
from tests.provider import Behaviour

if TYPE_CHECKING:
    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

HELLO: dict[str, object] = {
    "model": "gpt",
    "messages": [{"role": "user", "content": "Hello"}],
}

STREAM = {**HELLO, "stream": True}


async def test_a_key_gets_the_providers_answer_under_the_public_name(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key()

    reply = await client.post("/v1/chat/completions", json=HELLO, headers=key.headers)

    assert 200 == reply.status_code, reply.text
    assert "gpt" == reply.json()["model"]
    assert "assistant" == reply.json()["choices"][0]["message"]["role"]


async def test_the_ledger_row_costs_tokens_times_price(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    key = await given.key()

    reply = await client.post("/v1/chat/completions", json=HELLO, headers=key.headers)

    usage = reply.json()["usage"]
    expected = price_of(usage["prompt_tokens"], usage["completion_tokens"])
    (entry,) = await ledger(gateway, 1)
    assert str(expected) == entry["spend"]
    assert "success" == orjson.loads(entry["row"])["metadata"]["status"]


async def test_a_stream_ends_with_done_and_carries_the_public_name(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key()

    async with client.stream(
        "POST", "/v1/chat/completions", json=STREAM, headers=key.headers
    ) as reply:
        lines = [line async for line in reply.aiter_lines() if line]

    assert "text/event-stream" == reply.headers["content-type"].partition(";")[0]
    assert "data: [DONE]" == lines[-1]
    assert {"gpt"} == {orjson.loads(line[6:])["model"] for line in lines[:-1]}


async def test_chunks_arrive_while_the_provider_is_still_writing(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()
    provider.next(Behaviour(holds=2))

    async with client.stream(
        "POST", "/v1/chat/completions", json=STREAM, headers=key.headers
    ) as reply:
        lines = reply.aiter_lines()
        first = await anext(lines)
        provider.release()
        rest = [line async for line in lines if line]

    assert first.startswith("data: {")
    assert "data: [DONE]" == rest[-1]


async def test_usage_is_asked_for_upstream_and_shown_only_to_who_asked(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()
    asking = {**STREAM, "stream_options": {"include_usage": True}}

    plain = await client.post("/v1/chat/completions", json=STREAM, headers=key.headers)
    asked = await client.post("/v1/chat/completions", json=asking, headers=key.headers)

    assert [{"include_usage": True}] * 2 == [
        received.json["stream_options"] for received in provider.requests
    ]
    assert '"prompt_tokens"' not in plain.text
    assert '"prompt_tokens"' in asked.text


async def test_a_streams_row_costs_what_its_usage_says(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    key = await given.key()
    asking = {**STREAM, "stream_options": {"include_usage": True}}

    reply = await client.post("/v1/chat/completions", json=asking, headers=key.headers)

    usage = orjson.loads(reply.text.split("data: ")[-2])["usage"]
    (entry,) = await ledger(gateway, 1)
    expected = price_of(usage["prompt_tokens"], usage["completion_tokens"])
    assert str(expected) == entry["spend"]


async def test_a_stream_without_usage_is_estimated_and_flagged(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, provider: Provider
) -> None:
    key = await given.key()
    provider.next(Behaviour(has_usage=False))

    await client.post("/v1/chat/completions", json=STREAM, headers=key.headers)

    (entry,) = await ledger(gateway, 1)
    assert orjson.loads(entry["row"])["metadata"]["estimated"] is True
    assert int(entry["spend"]) > 0


async def test_embeddings_and_completions_are_served_and_billed(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    key = await given.key()

    embedded = await client.post(
        "/v1/embeddings", json={"model": "gpt", "input": ["one", "two"]}, headers=key.headers
    )
    completed = await client.post(
        "/completions", json={"model": "gpt", "prompt": "Once upon"}, headers=key.headers
    )

    assert (200, 200) == (embedded.status_code, completed.status_code)
    assert 2 == len(embedded.json()["data"])
    kinds = {orjson.loads(entry["row"])["call_type"] for entry in await ledger(gateway, 2)}
    assert {"aembedding", "atext_completion"} == kinds


async def test_the_master_key_calls_without_a_row_of_its_own(
    client: httpx.AsyncClient, gateway: Gateway
) -> None:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}

    reply = await client.post("/v1/chat/completions", json=HELLO, headers=headers)

    assert 200 == reply.status_code
    (entry,) = await ledger(gateway, 1)
    assert "litellm_proxy_master_key" == orjson.loads(entry["row"])["api_key"]
    assert MASTER_KEY not in str(entry)


async def test_nothing_of_the_upstream_secret_comes_back(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()
    provider.default = Behaviour(status=401)

    reply = await client.post("/v1/chat/completions", json=HELLO, headers=key.headers)

    assert "canary" not in reply.text + str(reply.headers)
