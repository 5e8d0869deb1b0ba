"""Deployments without a key: the request that arrives is signed, or has a fetched token."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.domain import HttpRequest
from tests.credentials.test_keyring import SERVICE_ACCOUNT, signature_of
from tests.gateway.given import CHAT, model
from tests.provider import Behaviour
from tests.providers.wires import WIRES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider, Received

HELLO = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9}
NO_KEY = {"api_key": None, "api_base": None}


async def test_bedrock_gets_a_request_whose_signature_is_right(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    provider: Provider,
    given: Given,
) -> None:
    keys = {"aws_access_key_id": "AKIA", "aws_secret_access_key": "s3cret"}
    place = {"aws_bedrock_runtime_endpoint": provider.url, "aws_region_name": "eu-west-1"}
    deployed = model(
        "m", provider.url, model="bedrock/eu.anthropic.a-v1:0", **NO_KEY, **keys, **place
    )
    _, client = await proxy(deployed)
    key = await given.key()
    provider.next(Behaviour(body=WIRES["bedrock"].reply))

    reply = await client.post(CHAT, json=HELLO, headers=key.headers)

    assert 200 == reply.status_code, reply.text
    (received,) = provider.requests
    assert received.headers["authorization"].endswith(
        signature_of(_as_sent(received, provider), "s3cret", "eu-west-1", "bedrock")
    )


def _as_sent(received: Received, provider: Provider) -> HttpRequest:
    url = provider.url + received.path
    return HttpRequest(received.method, url, received.headers, received.body)


async def test_claude_on_vertex_is_asked_natively_with_a_service_accounts_token(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    provider: Provider,
    given: Given,
) -> None:
    account = {**SERVICE_ACCOUNT, "token_uri": f"{provider.url}/token"}
    base = f"{provider.url}/v1/projects/p/locations/global/publishers/google"
    deployed = model(
        "m",
        provider.url,
        model="vertex_ai/claude-sonnet-4-5@20250929",
        **{**NO_KEY, "api_base": base},
        vertex_credentials=orjson.dumps(account).decode(),
    )
    _, client = await proxy(deployed)
    key = await given.key()
    token = orjson.dumps({"access_token": "ya29", "expires_in": 3600})
    provider.next(Behaviour(body=token))
    provider.next(Behaviour(body=WIRES["anthropic"].reply))
    beta = {"anthropic-beta": "context-1m-2025-08-07,claude-code-20250219"}

    reply = await client.post("/v1/messages", json=HELLO, headers={**key.headers, **beta})

    assert 200 == reply.status_code, reply.text
    asked, received = provider.requests
    assert "/token" == asked.path
    assert received.path.endswith(
        "/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict"
    )
    assert ("Bearer ya29", "context-1m-2025-08-07") == (
        received.headers["authorization"],
        received.headers["anthropic-beta"],
    )
    assert "vertex-2023-10-16" == received.json["anthropic_version"]
    assert "model" not in received.json
