"""Google's generateContent at the gateway: native to Gemini, bridged to every other model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.gateway.given import GivenKey, ledger, model, price_of
from tests.provider import Behaviour
from tests.providers.wires import GEMINI, OPENAI

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider
    from tests.providers.wires import Wire

ASK: dict[str, Any] = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}
GENERATE = "/v1beta/models/{}:generateContent"
STREAM = "/v1beta/models/{}:streamGenerateContent"


@pytest.fixture
async def served(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]], provider: Provider
) -> tuple[Gateway, httpx.AsyncClient]:
    """A gateway with `flash` at Google and `gpt` at OpenAI."""
    flash = model("flash", provider.url, model="gemini/gemini-2.5-flash", api_base=provider.url)
    return await proxy(flash, model("gpt", provider.url))


@pytest.fixture
def client(served: tuple[Gateway, httpx.AsyncClient]) -> httpx.AsyncClient:
    return served[1]


@pytest.fixture
def gateway(served: tuple[Gateway, httpx.AsyncClient]) -> Gateway:
    return served[0]


async def test_a_body_goes_to_google_as_it_came_with_the_deployments_key(
    client: httpx.AsyncClient, key: GivenKey, gateway: Gateway, provider: Provider
) -> None:
    provider.next(Behaviour(body=GEMINI.reply))
    body = {**ASK, "some_new_field": [1], "tags": ["a"]}

    reply = await client.post(
        GENERATE.format("flash"), json=body, headers={"x-goog-api-key": key.token}
    )

    assert {**orjson.loads(GEMINI.reply), "modelVersion": "flash"} == reply.json()
    (received,) = provider.requests
    assert {**ASK, "some_new_field": [1]} == received.json
    assert ("/models/gemini-2.5-flash:generateContent", "sk-upstream-canary-secret") == (
        received.path,
        received.headers["x-goog-api-key"],
    )
    (entry,) = await ledger(gateway, 1)
    row = orjson.loads(entry["row"])
    assert ("agenerate_content", "30", "8") == (
        row["call_type"],
        entry["prompt_tokens"],
        entry["completion_tokens"],
    )
    assert ["a"] == row["request_tags"]


@pytest.mark.parametrize("prefix", ["/v1beta", "/v1", "", "/gemini/v1beta"])
async def test_any_model_answers_at_each_of_the_paths(
    client: httpx.AsyncClient, key: GivenKey, gateway: Gateway, provider: Provider, prefix: str
) -> None:
    provider.next(Behaviour(body=OPENAI.reply))

    reply = await client.post(
        f"{prefix}/models/gpt:generateContent?key={key.token}", json={**ASK, "stream": True}
    )

    (candidate,) = reply.json()["candidates"]
    assert "Hello €" == candidate["content"]["parts"][0]["text"]
    assert "gpt" == reply.json()["modelVersion"]
    (entry,) = await ledger(gateway, 1)
    assert price_of(30, 8) == int(entry["spend"])
    assert key.token not in str(provider.requests)


@pytest.mark.parametrize(("name", "wire"), [("flash", GEMINI), ("gpt", OPENAI)])
async def test_a_stream_is_events_or_one_array_as_it_was_asked_for(
    client: httpx.AsyncClient,
    key: GivenKey,
    gateway: Gateway,
    provider: Provider,
    name: str,
    wire: Wire,
) -> None:
    provider.next(*[Behaviour(chunks=[wire.stream])] * 2)

    events = await client.post(STREAM.format(name) + "?alt=sse", json=ASK, headers=key.headers)
    array = await client.post(STREAM.format(name), json=ASK, headers=key.headers)

    assert ("text/event-stream; charset=utf-8", "application/json") == (
        events.headers["content-type"],
        array.headers["content-type"],
    )
    listed = [orjson.loads(line[6:]) for line in events.text.splitlines() if line]
    assert listed == array.json()
    assert "[DONE]" not in events.text
    assert "STOP" == listed[-1]["candidates"][0]["finishReason"]
    rows = await ledger(gateway, 2)
    assert ["38", "38"] == [
        str(int(row["prompt_tokens"]) + int(row["completion_tokens"])) for row in rows
    ]


async def test_tokens_are_counted_by_google_or_by_the_gateway_for_nothing(
    client: httpx.AsyncClient, key: GivenKey, gateway: Gateway, provider: Provider
) -> None:
    provider.next(Behaviour(body=b'{"totalTokens":31}'))
    path = "/v1beta/models/{}:countTokens"

    by_google = await client.post(path.format("flash"), json=ASK, headers=key.headers)
    by_us = await client.post(path.format("gpt"), json=ASK, headers=key.headers)

    assert {"totalTokens": 31} == by_google.json()
    assert by_us.json()["totalTokens"] > 0
    assert 1 == len(provider.requests)
    assert ["0", "0"] == [row["spend"] for row in await ledger(gateway, 2)]


@pytest.mark.parametrize(
    ("asked", "columns", "told"),
    [
        (("nobody:generateContent", ASK), {}, (400, "INVALID_ARGUMENT")),
        (("gpt:generateContent", {}), {}, (400, "INVALID_ARGUMENT")),
        (("gpt:generateContent", ASK), {"blocked": True}, (401, "UNAUTHENTICATED")),
        (("gpt:streamGenerateContent", ASK), {"models": ["flash"]}, (403, "PERMISSION_DENIED")),
        (("gpt:countTokens", ASK), {"rpm_limit": 0}, (429, "RESOURCE_EXHAUSTED")),
    ],
)
async def test_a_refusal_has_googles_shape(
    client: httpx.AsyncClient,
    given: Given,
    asked: tuple[str, dict[str, Any]],
    columns: dict[str, Any],
    told: tuple[int, str],
) -> None:
    key = await given.key(**columns)
    path, body = asked
    status, words = told

    reply = await client.post(f"/v1beta/models/{path}", json=body, headers=key.headers)

    error = reply.json()["error"]
    assert (status, status, words) == (reply.status_code, error["code"], error["status"])
    assert error["details"][0]["reason"]


async def test_a_key_may_be_held_to_the_entrance(client: httpx.AsyncClient, given: Given) -> None:
    inside = await given.key(allowed_routes=["/v1beta/models/*"])
    outside = await given.key(allowed_routes=["/chat/completions"])
    path = GENERATE.format("gpt")

    replies = [await client.post(path, json=ASK, headers=k.headers) for k in (inside, outside)]

    assert [200, 403] == [reply.status_code for reply in replies]


async def test_models_are_listed_in_googles_shape(client: httpx.AsyncClient, key: GivenKey) -> None:
    first = await client.get(f"/v1beta/models?pageSize=1&key={key.token}")
    rest = await client.get("/v1beta/models?pageToken=flash", headers=key.headers)
    sdks = {**key.headers, "x-goog-api-client": "google-genai-sdk/3.4.0"}
    one = await client.get("/v1/models/gpt", headers=sdks)
    none = await client.get("/v1beta/models/nobody", headers=key.headers)

    assert (["models/flash"], "flash") == (
        [entry["name"] for entry in first.json()["models"]],
        first.json()["nextPageToken"],
    )
    assert (["models/gpt"], False) == (
        [entry["name"] for entry in rest.json()["models"]],
        "nextPageToken" in rest.json(),
    )
    assert "models/gpt" == one.json()["name"]
    assert (404, "NOT_FOUND") == (none.status_code, none.json()["error"]["status"])


async def test_below_gemini_other_models_are_passed_through_to_keys_that_may(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    plain = await given.key()
    free = await given.key(allowed_routes=["/gemini/*"])
    path = "/gemini/v1beta/models/gemini-odd:generateContent"
    provider.next(Behaviour(body=GEMINI.reply))

    replies = [await client.post(path, json=ASK, headers=k.headers) for k in (plain, free)]

    assert [403, 200] == [reply.status_code for reply in replies]
    assert "PERMISSION_DENIED" == replies[0].json()["error"]["status"]
    assert GEMINI.reply == replies[1].content
