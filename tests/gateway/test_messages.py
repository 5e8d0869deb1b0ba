"""Anthropic's Messages API at the gateway: native to Anthropic, bridged to every other model."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anthropic
import orjson
import pytest

from tests.gateway.given import INPUT_PRICE, OUTPUT_PRICE, GivenKey, ledger, model, price_of
from tests.provider import Behaviour
from tests.providers.anthropic_wire import HAPPENED, MESSAGE, OVERLOADED, STREAM, events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import httpx

    from shared.domain import Json, JsonObject
    from shared.gateway.gateway import Gateway
    from tests.provider import Provider

HELLO: dict[str, Any] = {
    "model": "claude",
    "max_tokens": 100,
    "messages": [{"role": "user", "content": "Hello"}],
}
CACHE_READ = Decimal("0.0000001")
CACHE_WRITE = Decimal("0.00000125")
NANO = 1_000_000_000


def claude(base: str, **params: Json) -> JsonObject:
    return model(
        "claude",
        base,
        model="anthropic/claude-sonnet-4-5",
        api_base=base,
        cache_read_input_token_cost=float(CACHE_READ),
        cache_creation_input_token_cost=float(CACHE_WRITE),
        **params,
    )


@pytest.fixture
async def served(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]], provider: Provider
) -> tuple[Gateway, httpx.AsyncClient]:
    """A gateway with `claude` at Anthropic and `gpt` at OpenAI."""
    return await proxy(claude(provider.url), model("gpt", provider.url))


@pytest.fixture
def client(served: tuple[Gateway, httpx.AsyncClient]) -> httpx.AsyncClient:
    return served[1]


@pytest.fixture
def gateway(served: tuple[Gateway, httpx.AsyncClient]) -> Gateway:
    return served[0]


@pytest.fixture
async def sdk(client: httpx.AsyncClient, key: GivenKey) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        base_url=str(client.base_url), api_key=key.token, max_retries=0
    ) as made:
        yield made


async def test_the_sdk_gets_anthropics_own_message_under_the_public_name(
    sdk: anthropic.AsyncAnthropic, provider: Provider
) -> None:
    provider.next(Behaviour(body=orjson.dumps(MESSAGE)))

    message = await sdk.messages.create(**HELLO)

    assert ("claude", "tool_use", 4) == (message.model, message.stop_reason, len(message.content))
    assert message._request_id


async def test_a_body_goes_to_anthropic_as_it_came_with_the_deployments_key(
    client: httpx.AsyncClient, key: GivenKey, provider: Provider
) -> None:
    provider.next(Behaviour(body=orjson.dumps(MESSAGE)))
    body = {
        **HELLO,
        "metadata": {"user_id": "someone"},
        "context_management": {"edits": []},
        "some_new_field": [1],
        "litellm_metadata": {"tags": ["a"]},
    }
    headers = {
        "x-api-key": key.token,
        "anthropic-version": "2023-06-01",
        "anthropic-beta": "claude-code-20250219,effort-2025-11-24",
    }

    await client.post("/v1/messages?beta=true", json=body, headers=headers)

    (received,) = provider.requests
    body.pop("litellm_metadata")
    assert {**body, "model": "claude-sonnet-4-5"} == received.json
    assert ("/v1/messages", "sk-upstream-canary-secret", headers["anthropic-beta"]) == (
        received.path,
        received.headers["x-api-key"],
        received.headers["anthropic-beta"],
    )
    assert "authorization" not in received.headers


async def test_a_native_stream_arrives_event_by_event_as_it_was_sent(
    client: httpx.AsyncClient, key: GivenKey, provider: Provider
) -> None:
    provider.next(Behaviour(chunks=[STREAM]))

    reply = await client.post("/v1/messages", json={**HELLO, "stream": True}, headers=key.headers)

    expected = [dict(event) for event in HAPPENED]
    begin: Any = expected[0]["message"]
    expected[0]["message"] = {**begin, "model": "claude"}
    assert events(*expected) == reply.content


@pytest.mark.parametrize("stream", [False, True])
async def test_a_native_call_costs_its_tokens_cached_ones_by_their_own_price(
    client: httpx.AsyncClient, key: GivenKey, gateway: Gateway, provider: Provider, *, stream: bool
) -> None:
    whole = Behaviour(body=orjson.dumps(MESSAGE))
    provider.next(Behaviour(chunks=[STREAM]) if stream else whole)

    await client.post("/v1/messages", json={**HELLO, "stream": stream}, headers=key.headers)

    (entry,) = await ledger(gateway, 1)
    cost = 10 * INPUT_PRICE + 200 * CACHE_WRITE + 3000 * CACHE_READ + 40 * OUTPUT_PRICE
    row = orjson.loads(entry["row"])
    assert (int(cost * NANO), "3210", "40") == (
        int(entry["spend"]),
        entry["prompt_tokens"],
        entry["completion_tokens"],
    )
    assert ("anthropic_messages", "msg_01", "anthropic") == (
        row["call_type"],
        row["request_id"],
        row["custom_llm_provider"],
    )


async def test_the_sdk_streams_from_another_vendors_model(
    sdk: anthropic.AsyncAnthropic, gateway: Gateway
) -> None:
    async with sdk.messages.stream(**{**HELLO, "model": "gpt"}) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        message = await stream.get_final_message()

    (entry,) = await ledger(gateway, 1)
    usage = message.usage
    assert ("gpt", "end_turn", text) == (
        message.model,
        message.stop_reason,
        message.content[0].text,  # pyright: ignore[reportAttributeAccessIssue]
    )
    assert price_of(usage.input_tokens, usage.output_tokens) == int(entry["spend"])


async def test_the_sdk_asks_another_vendors_model(
    sdk: anthropic.AsyncAnthropic, provider: Provider
) -> None:
    message = await sdk.messages.create(**{**HELLO, "model": "gpt", "system": "Be brief."})

    assert ("gpt", "assistant", "end_turn") == (message.model, message.role, message.stop_reason)
    assert [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
    ] == provider.requests[0].json["messages"]


async def test_anthropic_counts_its_own_tokens_for_nothing(
    sdk: anthropic.AsyncAnthropic, gateway: Gateway, provider: Provider
) -> None:
    provider.next(Behaviour(body=b'{"input_tokens":14}'))

    counted = await sdk.messages.count_tokens(model="claude", messages=HELLO["messages"])

    (entry,) = await ledger(gateway, 1)
    assert (14, "0") == (counted.input_tokens, entry["spend"])
    assert "/v1/messages/count_tokens" == provider.requests[0].path


async def test_the_tokens_of_others_are_estimated_without_asking(
    sdk: anthropic.AsyncAnthropic, provider: Provider
) -> None:
    counted = await sdk.messages.count_tokens(model="gpt", messages=HELLO["messages"])

    assert counted.input_tokens > 0
    assert [] == provider.requests


@pytest.mark.parametrize(
    ("status", "raised", "kind"),
    [
        (400, anthropic.BadRequestError, "invalid_request_error"),
        (404, anthropic.NotFoundError, "not_found_error"),
        (413, anthropic.APIStatusError, "request_too_large"),
        (429, anthropic.RateLimitError, "rate_limit_error"),
        (529, anthropic.InternalServerError, "overloaded_error"),
    ],
)
async def test_the_sdk_raises_what_anthropics_error_means(
    sdk: anthropic.AsyncAnthropic,
    provider: Provider,
    status: int,
    raised: type[anthropic.APIStatusError],
    kind: str,
) -> None:
    told = {"type": "error", "error": {"type": kind, "message": "No."}}
    provider.default = Behaviour(status=status, body=orjson.dumps(told))

    with pytest.raises(raised) as caught:
        await sdk.messages.create(**HELLO, extra_headers={"x-litellm-num-retries": "0"})

    body: Any = caught.value.body
    assert (status, kind, "No.") == (
        caught.value.status_code,
        body["error"]["type"],
        body["error"]["message"],
    )
    assert caught.value.request_id


async def test_a_wrong_key_and_a_missing_field_are_told_in_anthropics_shape(
    client: httpx.AsyncClient, key: GivenKey
) -> None:
    wrong = await client.post("/v1/messages", json=HELLO, headers={"x-api-key": "sk-wrong"})
    missing = await client.post("/v1/messages", json={"model": "claude"}, headers=key.headers)

    assert (401, "authentication_error") == (wrong.status_code, wrong.json()["error"]["type"])
    assert (400, "error", "invalid_request_error") == (
        missing.status_code,
        missing.json()["type"],
        missing.json()["error"]["type"],
    )


async def test_a_stream_that_breaks_ends_in_an_error_event(
    client: httpx.AsyncClient, key: GivenKey, provider: Provider
) -> None:
    provider.next(Behaviour(chunks=[events(*HAPPENED[:5], OVERLOADED)]))

    reply = await client.post("/v1/messages", json={**HELLO, "stream": True}, headers=key.headers)

    last = reply.text.strip().split("\n\n")[-1]
    assert last.startswith("event: error\ndata: ")
    assert "overloaded_error" == orjson.loads(last.split("data: ")[1])["error"]["type"]


async def test_a_stream_that_fails_at_once_goes_to_the_next_deployment(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    provider: Provider,
    key: GivenKey,
) -> None:
    _, client = await proxy(claude(provider.url), claude(provider.url, order=2))
    provider.next(Behaviour(chunks=[events(OVERLOADED)]), Behaviour(chunks=[STREAM]))

    reply = await client.post("/v1/messages", json={**HELLO, "stream": True}, headers=key.headers)

    assert reply.text.startswith("event: message_start")


async def test_a_chat_reaches_anthropic_translated(
    client: httpx.AsyncClient, key: GivenKey, gateway: Gateway, provider: Provider
) -> None:
    provider.next(Behaviour(body=orjson.dumps(MESSAGE)))

    reply = await client.post(
        "/v1/chat/completions",
        json={"model": "claude", "messages": HELLO["messages"]},
        headers=key.headers,
    )

    (entry,) = await ledger(gateway, 1)
    choice = reply.json()["choices"][0]
    assert ("claude", "tool_calls", "I look.") == (
        reply.json()["model"],
        choice["finish_reason"],
        choice["message"]["content"],
    )
    assert ("3210", "acompletion") == (
        entry["prompt_tokens"],
        orjson.loads(entry["row"])["call_type"],
    )


async def test_models_are_listed_in_anthropics_shape_for_its_clients(
    sdk: anthropic.AsyncAnthropic, client: httpx.AsyncClient, key: GivenKey
) -> None:
    page = await sdk.models.list(limit=1)
    names = [found.id async for found in page]
    plain = await client.get("/v1/models", headers=key.headers)

    assert ["claude", "gpt"] == names
    assert "list" == plain.json()["object"]


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_bare_address_answers_whoever_asks(
    client: httpx.AsyncClient, method: str
) -> None:
    reply = await client.request(method, "/")

    assert 200 == reply.status_code
