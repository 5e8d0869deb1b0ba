"""What a call can be found by afterwards: headers of its reply, words in its ledger row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from psycopg.types.json import Jsonb

from tests.gateway.given import counter, ledger, model
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    import httpx

    from shared.domain import JsonObject
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CHAT = "/v1/chat/completions"
MESSAGES: list[JsonObject] = [{"role": "user", "content": "Hello"}]
HELLO: JsonObject = {"model": "gpt", "messages": [*MESSAGES]}
IDS = ("x-litellm-call-id", "x-request-id", "request-id")


async def row_of(
    gateway: Gateway, client: httpx.AsyncClient, key: GivenKey, headers: Mapping[str, str] = {}
) -> JsonObject:
    reply = await client.post(CHAT, json=HELLO, headers={**key.headers, **headers})
    assert 200 == reply.status_code, reply.text
    (row,) = await ledger(gateway, 1)
    return orjson.loads(row["row"])


async def test_a_row_tells_its_session_and_what_the_caller_wants_to_find_again(
    gateway: Gateway, client: httpx.AsyncClient, given: Given
) -> None:
    team = await given.team(metadata=Jsonb({"spend_logs_metadata": {"a": "team", "b": "team"}}))
    metadata = Jsonb({"spend_logs_metadata": {"b": "key", "c": "key"}})
    key = await given.key(team_id=team, metadata=metadata)
    headers = {
        "x-litellm-session-id": "s1",
        "x-litellm-spend-logs-metadata": '{"c": "call"}',
        "x-litellm-call-id": "mine",
    }

    row = await row_of(gateway, client, key, headers)

    told = row["metadata"]
    assert isinstance(told, dict)
    assert "s1" == row["session_id"]
    assert {"a": "team", "b": "key", "c": "call"} == told["spend_logs_metadata"]
    assert "mine" == told["litellm_call_id"]


async def test_tags_of_key_and_team_are_tags_of_each_of_their_calls(
    gateway: Gateway, client: httpx.AsyncClient, given: Given
) -> None:
    team = await given.team(metadata=Jsonb({"tags": ["of-team"]}))
    key = await given.key(team_id=team, metadata=Jsonb({"tags": ["of-key", "own"]}))

    row = await row_of(gateway, client, key, {"x-litellm-tags": "own"})

    assert ["own", "of-key", "of-team"] == row["request_tags"]


async def test_the_budget_of_a_keys_tag_holds_for_calls_that_do_not_name_it(
    gateway: Gateway, client: httpx.AsyncClient, given: Given
) -> None:
    budget_id = await given.budget(max_budget=0)
    await given.row("litellm_tagtable", tag_name="poor", budget_id=budget_id)
    key = await given.key(metadata=Jsonb({"tags": ["poor"]}))

    reply = await client.post(CHAT, json=HELLO, headers=key.headers)

    assert (422, "budget_exceeded") == (reply.status_code, reply.json()["error"]["type"])
    assert {} == await counter(gateway, f"budget:key:{key.hash}:-")


async def test_a_keys_metadata_may_forbid_fallbacks(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(
        model("gpt", provider.url),
        model("other", provider.url),
        router_settings={"fallbacks": [{"gpt": ["other"]}], "num_retries": 0},
    )
    key = await given.key(metadata=Jsonb({"disable_fallbacks": True}))
    provider.next(Behaviour(status=500))

    reply = await client.post(CHAT, json=HELLO, headers=key.headers)

    assert 500 == reply.status_code
    assert 1 == len(provider.requests)


async def test_the_vendors_ids_and_limits_are_told_and_nothing_of_its_account(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()
    provider.next(
        Behaviour(
            body=orjson.dumps({"id": "c", "choices": [], "usage": {"prompt_tokens": 1}}),
            headers={
                "x-request-id": "theirs",
                "x-ratelimit-remaining-requests": "9",
                "openai-organization": "secret-org",
                "set-cookie": "a=b",
            },
        )
    )

    reply = await client.post(CHAT, json=HELLO, headers=key.headers)

    assert "theirs" == reply.headers["llm_provider-x-request-id"]
    assert "9" == reply.headers["x-ratelimit-remaining-requests"]
    assert reply.headers["x-request-id"] == reply.headers["x-litellm-call-id"] != "theirs"
    assert "secret-org" not in str(reply.headers)
    assert "set-cookie" not in str(reply.headers)


async def test_anthropics_limits_are_told_in_openais_words_on_a_stream_too(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    claude = {"model": "anthropic/claude-sonnet-4-5", "api_base": provider.url}
    _, client = await proxy(model("gpt", provider.url, **claude))
    key = await given.key()
    begun = b'event: ping\ndata: {"type": "ping"}\n\n'
    stop = b'event: message_stop\ndata: {"type": "message_stop"}\n\n'
    limits = {"anthropic-ratelimit-requests-remaining": "7"}
    provider.next(Behaviour(chunks=[begun, stop], headers=limits))

    reply = await client.post(
        "/v1/messages", json={**HELLO, "max_tokens": 5, "stream": True}, headers=key.headers
    )

    assert "7" == reply.headers["x-ratelimit-remaining-requests"]
    assert "7" == reply.headers["llm_provider-anthropic-ratelimit-requests-remaining"]


@pytest.mark.parametrize("named", [{}, {"x-litellm-call-id": "mine"}])
async def test_every_refusal_says_by_which_id_it_is_found(
    gateway: Gateway,
    client: httpx.AsyncClient,
    given: Given,
    provider: Provider,
    named: dict[str, str],
) -> None:
    key = await given.key()
    provider.default = Behaviour(status=400)

    reply = await client.post(CHAT, json=HELLO, headers={**key.headers, **named})

    (row,) = await ledger(gateway, 1)
    found = {reply.headers[name] for name in IDS}
    assert 400 == reply.status_code
    assert {named.get("x-litellm-call-id") or orjson.loads(row["row"])["request_id"]} == found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_fallback_that_answers_is_named_in_answer_header_and_row(
    proxy: Proxy, given: Given, provider: Provider, *, stream: bool
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url),
        model("other", provider.url),
        router_settings={"fallbacks": [{"gpt": ["other"]}], "num_retries": 0},
    )
    key = await given.key()
    provider.next(Behaviour(status=500))

    reply = await client.post(CHAT, json={**HELLO, "stream": stream}, headers=key.headers)

    (row,) = await ledger(gateway, 1)
    assert "other" == reply.headers["x-litellm-model-group"]
    assert "other" == orjson.loads(row["row"])["model_group"]
    assert '"model":"other"' in reply.text
    assert '"model":"gpt"' not in reply.text


async def test_a_callers_timeout_does_not_cut_a_stream_that_flows(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()
    provider.next(Behaviour(seconds_between_chunks=0.3))
    asked = {**HELLO, "stream": True, "stream_timeout": 1}

    reply = await client.post(CHAT, json=asked, headers=key.headers)

    assert "error" not in reply.text
    assert reply.text.endswith("data: [DONE]\n\n")


async def test_what_the_cache_answers_was_tried_nowhere_and_fell_back_nowhere(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("gpt", provider.url), litellm_settings={"cache": True})
    key = await given.key()
    await client.post(CHAT, json=HELLO, headers=key.headers)

    reply = await client.post(CHAT, json=HELLO, headers=key.headers)

    assert "x-litellm-cache-key" in reply.headers
    assert "0" == reply.headers["x-litellm-attempted-fallbacks"]
    assert "0" == reply.headers["x-litellm-attempted-retries"]
