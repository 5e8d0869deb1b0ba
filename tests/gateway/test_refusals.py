"""Who may not, in LiteLLM's words: status, type, code and message of every refusal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from psycopg.types.json import Jsonb

from shared.auth.keys import hash_key
from tests.gateway.given import CHAT, model, names

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CALL = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}


def told(reply: httpx.Response) -> tuple[int, str, str, str]:
    error = reply.json()["error"]
    assert {"message", "type", "param", "code"} == error.keys()
    return reply.status_code, error["type"], error["code"], error["message"]


async def test_no_key(client: httpx.AsyncClient) -> None:
    reply = await client.post(CHAT, json=CALL)

    message = "Authentication Error, No api key passed in."
    assert (401, "auth_error", "401", message) == told(reply)


async def test_an_empty_key(client: httpx.AsyncClient) -> None:
    reply = await client.post(CHAT, json=CALL, headers={"x-api-key": ""})

    message = "Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix."
    assert (401, "auth_error", "401", message) == told(reply)


async def test_a_hash_is_no_key(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key()

    reply = await client.post(CHAT, json=CALL, headers={"x-api-key": key.hash})

    status, kind, _, message = told(reply)
    assert (401, "auth_error") == (status, kind)
    assert "expected to start with 'sk-'" in message
    assert key.hash not in message


async def test_a_key_nobody_made(client: httpx.AsyncClient) -> None:
    reply = await client.post(CHAT, json=CALL, headers={"api-key": "sk-nobody-made-this-one"})

    message = "Authentication Error, Invalid API key provided."
    assert (401, "token_not_found_in_db", "401", message) == told(reply)
    assert "key" == reply.json()["error"]["param"]


async def test_sql_in_a_key_finds_nothing(client: httpx.AsyncClient) -> None:
    hostile = {"authorization": "Bearer sk-' or 1=1 --"}

    reply = await client.post(CHAT, json=CALL, headers=hostile)

    assert (401, "token_not_found_in_db") == told(reply)[:2]


async def test_a_blocked_key(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key(blocked=True)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (401, "auth_error", "401") == told(reply)[:3]
    assert "Key is blocked" in told(reply)[3]


async def test_an_expired_key(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key(expires=datetime.now(UTC) - timedelta(seconds=1))

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (401, "expired_key", "401") == told(reply)[:3]
    assert told(reply)[3].startswith("Authentication Error - Expired Key. Key Expiry time 2")


async def test_a_blocked_team(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key(team_id=await given.team(blocked=True))

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (401, "auth_error", "401") == told(reply)[:3]


@pytest.mark.parametrize(
    ("scope", "columns"),
    [("key", {"models": ["other"]}), ("team", {}), ("user", {})],
)
async def test_a_model_that_is_not_allowed(
    client: httpx.AsyncClient, given: Given, scope: str, columns: dict[str, object]
) -> None:
    if scope == "team":
        columns = {"team_id": await given.team(models=["other"])}
    if scope == "user":
        columns = {"user_id": await given.user(models=["other"])}
    key = await given.key(**columns)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    message = (
        "The requested model 'gpt' is not available for this API key, or the model name is "
        "invalid. Call `/v1/models` to view available models for your key."
    )
    assert (403, f"{scope}_model_access_denied", "403", message) == told(reply)
    assert "model" == reply.json()["error"]["param"]


@pytest.mark.parametrize("models", [["gpt"], ["*"], ["openai/*"], ["all-proxy-models"], ["g*"], []])
async def test_a_model_that_is_allowed(
    client: httpx.AsyncClient, given: Given, models: list[str]
) -> None:
    key = await given.key(models=models)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 200 == reply.status_code


async def test_an_alias_of_the_key_or_the_team_names_a_model(
    client: httpx.AsyncClient, given: Given
) -> None:
    team = await given.team(model_aliases=Jsonb({"of-team": "gpt"}))
    key = await given.key(team_id=team, aliases=Jsonb({"of-key": "gpt"}))

    replies = [
        await client.post(CHAT, json={**CALL, "model": name}, headers=key.headers)
        for name in ("of-team", "of-key")
    ]

    assert [(200, "of-team"), (200, "of-key")] == [
        (reply.status_code, reply.json()["model"]) for reply in replies
    ]


async def test_a_model_nobody_serves(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key()

    reply = await client.post(CHAT, json={**CALL, "model": "nope"}, headers=key.headers)

    assert (400, "invalid_request_error", "400") == told(reply)[:3]
    assert "Invalid model name passed in model=nope" in told(reply)[3]


async def test_a_route_the_key_may_not_call(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key(allowed_routes=["/embeddings"])

    refused = await client.post(CHAT, json=CALL, headers=key.headers)
    served = await client.post(
        "/v1/embeddings", json={"model": "gpt", "input": "x"}, headers=key.headers
    )

    assert (403, "permission_denied") == told(refused)[:2]
    assert 200 == served.status_code


@pytest.mark.parametrize(
    "header",
    ["x-litellm-api-key", "authorization", "api-key", "x-api-key", "x-goog-api-key"],
)
@pytest.mark.parametrize("prefix", ["Bearer ", ""])
async def test_every_header_that_litellm_reads_carries_a_key(
    client: httpx.AsyncClient, given: Given, header: str, prefix: str
) -> None:
    key = await given.key()

    reply = await client.post(CHAT, json=CALL, headers={header: prefix + key.token})

    assert 200 == reply.status_code


async def test_where_a_header_is_named_for_keys_no_other_carries_one(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    key = await given.key()
    _, client = await proxy(
        model("gpt", provider.url), general_settings={"litellm_key_header_name": "X-Our-Key"}
    )

    served = await client.post(
        CHAT, json=CALL, headers={"x-our-key": f"Bearer {key.token}", "authorization": "Basic c2s="}
    )
    refused = await client.post(CHAT, json=CALL, headers=key.headers)
    listed = await client.get("/v1/models", headers={"x-our-key": key.token})

    assert (200, 401, 200) == (served.status_code, refused.status_code, listed.status_code)


async def test_a_key_in_a_header_of_its_own_stays_here_when_a_request_is_passed_through(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    key = await given.key(allowed_routes=["/openai/*"])
    _, client = await proxy(
        model("gpt", provider.url), general_settings={"litellm_key_header_name": "X-Our-Key"}
    )

    reply = await client.post(
        "/openai/chat/completions", json=CALL, headers={"x-our-key": key.token}
    )

    assert 200 == reply.status_code
    assert key.token not in str(provider.requests)


async def test_the_operator_says_which_status_answers_a_model_that_is_not_allowed(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    key = await given.key(models=["another"])
    _, client = await proxy(
        model("gpt", provider.url), litellm_settings={"model_access_denied_status_code": 401}
    )

    reply = await client.post(CHAT, json={**CALL, "model": "gpt"}, headers=key.headers)

    assert (401, "key_model_access_denied", "401") == told(reply)[:3]


async def test_a_refused_caller_leaves_no_trace_in_redis(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    key = await given.key(models=["other"], rpm_limit=5, max_budget=1)

    await client.post(CHAT, json=CALL, headers=key.headers)
    await client.post(CHAT, json=CALL, headers={"x-api-key": "sk-nobody-made-this-one"})

    # The configuration is every process's, whoever calls.
    left = [name for name in await names(gateway, "*") if not name.startswith("config:")]
    assert [f"key:{key.hash}"] == left
    assert hash_key("sk-nobody-made-this-one") not in str(await names(gateway, "*"))


async def test_models_are_those_the_caller_may_call(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    given: Given,
    provider: Provider,
) -> None:
    _, client = await proxy(model("gpt", provider.url), model("other", provider.url))
    key = await given.key(models=["gpt"], aliases=Jsonb({"mine": "gpt"}))

    for prefix in ("/v1", ""):
        listed = await client.get(f"{prefix}/models", headers=key.headers)
        mine = await client.get(f"{prefix}/models/gpt", headers=key.headers)
        others = await client.get(f"{prefix}/models/other", headers=key.headers)

        assert ["gpt", "mine"] == [entry["id"] for entry in listed.json()["data"]]
        assert ("gpt", "model", "openai") == (
            mine.json()["id"],
            mine.json()["object"],
            mine.json()["owned_by"],
        )
        assert (404, "not_found_error") == told(others)[:2]


async def test_a_key_may_be_kept_from_the_list(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key(permissions=Jsonb({"allow_model_list": False}))

    listed = await client.get("/v1/models", headers=key.headers)

    assert (200, []) == (listed.status_code, listed.json()["data"])


async def test_the_list_needs_a_key(client: httpx.AsyncClient) -> None:
    assert 401 == (await client.get("/v1/models")).status_code
