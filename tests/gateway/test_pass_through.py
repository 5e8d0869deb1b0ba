"""/{provider}/…: a vendor's own API behind virtual keys, counted where usage can be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.gateway.given import MASTER_KEY, ledger, model
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

ASK = {"model": "fake-model", "messages": [{"role": "user", "content": "Hello"}]}
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


async def test_the_bytes_go_up_with_the_real_key_and_come_back_as_they_are(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, provider: Provider
) -> None:
    key = await given.key(allowed_routes=["/openai/*"])
    body = orjson.dumps({"odd": "shape", "model": "fake-model", "usage": USAGE})
    provider.next(Behaviour(body=body))
    headers = {**key.headers, "x-forwarded-for": "10.0.0.1", "openai-beta": "x", "cookie": "a=b"}

    reply = await client.post("/openai/v1/anything/new?limit=2", json=ASK, headers=headers)

    assert body == reply.content
    (received,) = provider.requests
    assert "/v1/anything/new" == received.path
    assert ASK == received.json
    assert "Bearer sk-upstream-canary-secret" == received.headers["authorization"]
    assert "x" == received.headers["openai-beta"]
    assert not {"x-forwarded-for", "cookie"} & received.headers.keys()
    assert key.token not in str(received)
    (entry,) = await ledger(gateway, 1)
    row = orjson.loads(entry["row"])
    assert ("7", "5") == (entry["prompt_tokens"], entry["completion_tokens"])
    assert ("pass_through_endpoint", "fake-model") == (row["call_type"], row["model"])
    assert int(entry["spend"]) > 0


async def test_a_stream_is_passed_on_byte_by_byte_and_counted(
    client: httpx.AsyncClient, gateway: Gateway, provider: Provider
) -> None:
    chunks = [b"event: odd\ndata: {}\n\n", b'data: {"usage":' + orjson.dumps(USAGE) + b"}\n\n"]
    provider.next(Behaviour(chunks=chunks))
    headers = {"authorization": f"Bearer {MASTER_KEY}"}

    reply = await client.post(
        "/openai/chat/completions", json={**ASK, "stream": True}, headers=headers
    )

    assert b"".join(chunks) == reply.content
    (entry,) = await ledger(gateway, 1)
    assert ("7", "5") == (entry["prompt_tokens"], entry["completion_tokens"])


@pytest.mark.parametrize("columns", [{}, {"allowed_routes": ["llm_api_routes"]}])
async def test_a_key_that_does_not_name_the_route_is_refused(
    client: httpx.AsyncClient, given: Given, provider: Provider, columns: dict[str, Any]
) -> None:
    key = await given.key(**columns)

    reply = await client.post("/openai/v1/chat/completions", json=ASK, headers=key.headers)

    assert 403 == reply.status_code
    assert [] == provider.requests


async def test_a_key_of_other_models_is_refused(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key(allowed_routes=["/openai/*"], models=["gpt"])

    replies = [
        await client.post("/openai/v1/chat/completions", json=ASK, headers=key.headers),
        await client.get("/openai/v1/files", headers=key.headers),
    ]

    assert [403, 403] == [reply.status_code for reply in replies]
    assert [] == provider.requests


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/groq/v1/chat/completions", 404),
        ("/openai/%2e%2e/admin", 400),
        ("/openai/a%2f%2e%2e%2fb", 400),
        ("/openai//evil.example/x", 400),
        ("/openai/@evil.example%5cx", 400),
        ("/nobody/x", 404),
    ],
)
async def test_no_path_leads_anywhere_else(
    client: httpx.AsyncClient, provider: Provider, path: str, status: int
) -> None:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}

    reply = await client.post(path, json=ASK, headers=headers)

    assert status == reply.status_code, reply.text
    assert [] == provider.requests


@pytest.mark.parametrize(
    ("upstream", "path", "key_header", "usage"),
    [
        (
            "anthropic/x",
            "/anthropic/v1/messages",
            "x-api-key",
            {"usage": {"input_tokens": 4, "cache_read_input_tokens": 3, "output_tokens": 5}},
        ),
        (
            "openai/x",
            "/openai/responses",
            "authorization",
            {"usage": {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}},
        ),
    ],
)
async def test_each_vendors_key_and_usage_are_its_own(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    provider: Provider,
    upstream: str,
    path: str,
    key_header: str,
    usage: dict[str, Any],
) -> None:
    gateway, client = await proxy(model("m", provider.url, model=upstream))
    provider.next(Behaviour(body=orjson.dumps(usage)))

    reply = await client.post(path, json=ASK, headers={"x-api-key": MASTER_KEY})

    assert 200 == reply.status_code, reply.text
    assert "canary" in provider.requests[0].headers[key_header]
    (entry,) = await ledger(gateway, 1)
    assert ("7", "5") == (entry["prompt_tokens"], entry["completion_tokens"])
