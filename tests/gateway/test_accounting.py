"""One usage costs the same through every endpoint, every vendor's words, whole or streamed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.gateway.given import counter, ledger, model
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.domain import Json, JsonObject
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

HELLO: JsonObject = {
    "model": "gpt",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}
ASKED: dict[str, JsonObject] = {
    "/v1/chat/completions": HELLO,
    "/v1/messages": HELLO,
    "/v1/responses": {"model": "gpt", "max_output_tokens": 100, "input": "Hello"},
}
RUNS_CODE: Json = {"type": "code_interpreter", "container": {"type": "auto"}}
# 60 tokens read at a dollar a million, 40 from the cache at a tenth, 20 written at two dollars.
COST = "104000"
PRICES: dict[str, Json] = {
    "input_cost_per_token": 0.000001,
    "output_cost_per_token": 0.000002,
    "cache_read_input_token_cost": 0.0000001,
}

CHAT_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 40},
    "completion_tokens_details": {"reasoning_tokens": 5},
}
RESPONSES_USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 120,
    "input_tokens_details": {"cached_tokens": 40},
    "output_tokens_details": {"reasoning_tokens": 5},
}
CLAUDE_USAGE = {"input_tokens": 60, "cache_read_input_tokens": 40, "output_tokens": 20}


def chat_answer(usage: object = None, **message: object) -> dict[str, Any]:
    said = {"role": "assistant", "content": "Hi", **message}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    told = CHAT_USAGE if usage is None else usage
    return {"id": "c1", "object": "chat.completion", "choices": [choice], "usage": told}


def response_answer() -> dict[str, Any]:
    part = {"type": "output_text", "text": "Hi", "annotations": []}
    said = {"type": "message", "id": "m", "role": "assistant", "content": [part]}
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "output": [said],
        "usage": RESPONSES_USAGE,
    }


def claude_answer(usage: object = None, content: object = None) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": content or [{"type": "text", "text": "Hi"}],
        "stop_reason": "end_turn",
        "usage": usage or CLAUDE_USAGE,
    }


def sse(*events: dict[str, Any], end: bytes = b"") -> list[bytes]:
    named = [b"event: %s\n" % e["type"].encode() if "type" in e else b"" for e in events]
    data = [b"data: %s\n\n" % orjson.dumps(event) for event in events]
    return [*(name + each for name, each in zip(named, data, strict=True)), *([end] if end else [])]


def chat_stream(usage: object = CHAT_USAGE, **delta: object) -> list[bytes]:
    head = {"id": "c1", "object": "chat.completion.chunk"}
    said = {"index": 0, "delta": {"content": "Hi", **delta}, "finish_reason": None}
    stop = {"index": 0, "delta": {}, "finish_reason": "stop"}
    chunks = [{**head, "choices": [said]}, {**head, "choices": [stop]}]
    return sse(*chunks, {**head, "choices": [], "usage": usage}, end=b"data: [DONE]\n\n")


def response_stream() -> list[bytes]:
    begun = {**response_answer(), "status": "in_progress", "usage": None}
    return sse(
        {"type": "response.created", "response": begun},
        {"type": "response.output_text.delta", "delta": "Hi"},
        {"type": "response.completed", "response": response_answer()},
    )


def claude_stream() -> list[bytes]:
    message = {**claude_answer(), "content": [], "stop_reason": None}
    text = {"type": "text_delta", "text": "Hi"}
    return sse(
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": text},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 20},
        },
        {"type": "message_stop"},
    )


def vendors_answer(vendor: str, route: str, *, stream: bool) -> Behaviour:
    """What the vendor sends for a call of that route: natively where it speaks it."""
    if vendor == "anthropic":
        whole, pieces = claude_answer(), claude_stream()
    elif route == "/v1/responses":
        whole, pieces = response_answer(), response_stream()
    else:
        whole, pieces = chat_answer(), chat_stream()
    return Behaviour(chunks=pieces) if stream else Behaviour(body=orjson.dumps(whole))


def at(vendor: str, base: str, **more: Json) -> JsonObject:
    if vendor == "anthropic":
        more |= {"model": "anthropic/claude-sonnet-4-5", "api_base": base}
    return model("gpt", base, **{**PRICES, **more})


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("vendor", ["openai", "anthropic"])
@pytest.mark.parametrize("route", ASKED)
async def test_every_endpoint_accounts_exactly_like_chat(
    proxy: Proxy, given: Given, provider: Provider, route: str, vendor: str, *, stream: bool
) -> None:
    gateway, client = await proxy(at(vendor, provider.url))
    key = await given.key(max_budget=1)
    provider.next(vendors_answer(vendor, route, stream=stream))

    reply = await client.post(route, json={**ASKED[route], "stream": stream}, headers=key.headers)

    (row,) = await ledger(gateway, 1)
    assert 200 == reply.status_code
    assert (COST, "100", "20") == (row["spend"], row["prompt_tokens"], row["completion_tokens"])
    assert "estimated" not in orjson.loads(row["row"])["metadata"]
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert (COST, "0") == (budget["spent"], budget["reserved"])


async def test_embeddings_account_like_chat(proxy: Proxy, given: Given, provider: Provider) -> None:
    gateway, client = await proxy(at("openai", provider.url))
    key = await given.key(max_budget=1)
    vector = {"object": "embedding", "index": 0, "embedding": [0.5]}
    answer = {"object": "list", "data": [vector], "usage": {"prompt_tokens": 100}}
    provider.next(Behaviour(body=orjson.dumps(answer)))

    await client.post("/v1/embeddings", json={"model": "gpt", "input": "Hi"}, headers=key.headers)

    (row,) = await ledger(gateway, 1)
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert ["100000"] * 2 == [row["spend"], budget["spent"]]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_audio_has_its_own_price_both_ways(
    proxy: Proxy, given: Given, provider: Provider, *, stream: bool
) -> None:
    prices: dict[str, Json] = {
        "input_cost_per_audio_token": 0.00001,
        "output_cost_per_audio_token": 0.00002,
    }
    gateway, client = await proxy(at("openai", provider.url, **prices))
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 20,
        "prompt_tokens_details": {"audio_tokens": 90},
        "completion_tokens_details": {"audio_tokens": 15},
    }
    whole = Behaviour(body=orjson.dumps(chat_answer(usage)))
    provider.next(Behaviour(chunks=chat_stream(usage)) if stream else whole)
    key = await given.key()

    await client.post("/v1/chat/completions", json={**HELLO, "stream": stream}, headers=key.headers)

    (row,) = await ledger(gateway, 1)
    assert str(10_000 + 90 * 10_000 + 5 * 2_000 + 15 * 20_000) == row["spend"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_chat_that_cites_the_web_is_charged_a_search_of_the_size_it_asked_for(
    proxy: Proxy, given: Given, provider: Provider, *, stream: bool
) -> None:
    prices: Json = {"search_context_size_medium": 0.02, "search_context_size_high": 0.03}
    gateway, client = await proxy(at("openai", provider.url, search_context_cost_per_query=prices))
    cited: Any = [{"type": "url_citation", "url_citation": {"url": "http://x"}}]
    whole = Behaviour(body=orjson.dumps(chat_answer(annotations=cited)))
    provider.next(Behaviour(chunks=chat_stream(annotations=cited)) if stream else whole)
    asked = {**HELLO, "stream": stream, "web_search_options": {"search_context_size": "high"}}
    key = await given.key()

    await client.post("/v1/chat/completions", json=asked, headers=key.headers)

    (row,) = await ledger(gateway, 1)
    assert str(int(COST) + 30_000_000) == row["spend"]


async def test_anthropics_searches_and_its_hours_cache_are_charged(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    prices: dict[str, Json] = {
        "search_context_cost_per_query": 0.01,
        "cache_creation_input_token_cost": 0.000003,
        "cache_creation_input_token_cost_above_1hr": 0.000005,
    }
    gateway, client = await proxy(at("anthropic", provider.url, **prices))
    usage = {
        "input_tokens": 10,
        "cache_creation_input_tokens": 9,
        "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 5},
        "output_tokens": 1,
        "server_tool_use": {"web_search_requests": 2},
    }
    provider.next(Behaviour(body=orjson.dumps(claude_answer(usage))))
    tool: JsonObject = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    key = await given.key()

    await client.post("/v1/messages", json={**HELLO, "tools": [tool]}, headers=key.headers)

    (row,) = await ledger(gateway, 1)
    assert str(10_000 + 4 * 3_000 + 5 * 5_000 + 2_000 + 2 * 10_000_000) == row["spend"]


async def test_searches_are_reserved_before_they_are_made(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(at("anthropic", provider.url, search_context_cost_per_query=0.01))
    tool: JsonObject = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    key = await given.key(max_budget=0.03)

    reply = await client.post("/v1/messages", json={**HELLO, "tools": [tool]}, headers=key.headers)

    assert 422 == reply.status_code
    assert [] == provider.requests


@pytest.mark.parametrize("stream", [False, True])
async def test_openais_own_tools_are_charged_by_the_call_and_by_the_container(
    proxy: Proxy, given: Given, provider: Provider, *, stream: bool
) -> None:
    prices: dict[str, Json] = {
        "file_search_cost_per_1k_calls": 2.5,
        "code_interpreter_cost_per_session": 0.03,
    }
    gateway, client = await proxy(at("openai", provider.url, **prices))
    ran = {"type": "code_interpreter_call", "id": "ci", "container_id": "cntr_1", "code": "1"}
    answer = response_answer()
    answer["output"] += [{"type": "file_search_call", "id": "f", "queries": ["x"]}, ran, ran]
    last = {"type": "response.completed", "response": answer}
    event = b"event: response.completed\ndata: " + orjson.dumps(last) + b"\n\n"
    provider.next(Behaviour(chunks=[event]) if stream else Behaviour(body=orjson.dumps(answer)))
    tools: Json = [{"type": "file_search", "vector_store_ids": ["v"]}, RUNS_CODE]
    key = await given.key()

    asked = {**ASKED["/v1/responses"], "stream": stream, "tools": tools}
    await client.post("/v1/responses", json=asked, headers=key.headers)

    (row,) = await ledger(gateway, 1)
    assert str(int(COST) + 2_500_000 + 30_000_000) == row["spend"]


async def test_a_container_is_reserved_before_code_runs_in_it(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(at("openai", provider.url, code_interpreter_cost_per_session=0.03))
    key = await given.key(max_budget=0.03)

    asked = {**ASKED["/v1/responses"], "tools": [RUNS_CODE]}
    reply = await client.post("/v1/responses", json=asked, headers=key.headers)

    assert (422, []) == (reply.status_code, provider.requests)


async def test_discounts_and_margins_are_in_what_is_charged_and_in_what_is_reserved(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    settings: Json = {
        "cost_discount_config": {"openai": 0.5},
        "cost_margin_config": {"global": {"percentage": 0.1, "fixed_amount": 0.001}},
    }
    gateway, client = await proxy(at("openai", provider.url), litellm_settings=settings)
    provider.next(Behaviour(body=orjson.dumps(chat_answer())))
    key, poor = await given.key(), await given.key(max_budget=0.001)

    await client.post("/v1/chat/completions", json=HELLO, headers=key.headers)
    refused = await client.post("/v1/chat/completions", json=HELLO, headers=poor.headers)

    (row,) = await ledger(gateway, 1)
    assert Decimal(row["spend"]) == Decimal(COST) / 2 * Decimal("1.1") + 1_000_000
    assert 422 == refused.status_code


async def test_a_call_that_nobody_answered_costs_not_even_what_a_request_does(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(
        at("openai", provider.url, input_cost_per_request=0.01),
        router_settings={"num_retries": 0},
    )
    provider.next(Behaviour(status=500), Behaviour(body=orjson.dumps(chat_answer())))
    key = await given.key()

    for _ in range(2):
        await client.post("/v1/chat/completions", json=HELLO, headers=key.headers)

    rows = await ledger(gateway, 2)
    assert ["0", str(int(COST) + 10_000_000)] == [row["spend"] for row in rows]
