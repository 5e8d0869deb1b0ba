"""What goes upstream: nothing internal, no foreign keys, limits under the name the model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway.given import model

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

CHAT = "/v1/chat/completions"
HELLO = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}


async def test_extra_headers_go_up_and_internal_fields_do_not(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()
    ours = {"drop_params": True, "allowed_openai_params": ["x"], "modify_params": True}
    body = {**HELLO, **ours, "extra_headers": {"X-Team": "a"}, "unknown_param": 1}

    reply = await client.post(CHAT, json=body, headers=key.headers)

    assert 200 == reply.status_code, reply.text
    (received,) = provider.requests
    assert "a" == received.headers["x-team"]
    assert {"model", "messages", "unknown_param"} == received.json.keys()


@pytest.mark.parametrize("name", ["Authorization", "api-key", "Host", "Content-Length", "a b"])
async def test_headers_that_open_or_lead_elsewhere_are_refused(
    client: httpx.AsyncClient, given: Given, provider: Provider, name: str
) -> None:
    key = await given.key()
    body = {**HELLO, "extra_headers": {name: "x"}}

    reply = await client.post(CHAT, json=body, headers=key.headers)

    assert (400, "extra_headers") == (reply.status_code, reply.json()["error"]["param"])
    assert [] == provider.requests


@pytest.mark.parametrize(
    ("upstream", "expected"),
    [
        ("openai/o3-mini", "max_completion_tokens"),
        ("openai/gpt-5.1", "max_completion_tokens"),
        ("openai/gpt-4o", "max_tokens"),
    ],
)
async def test_a_reasoning_model_is_told_its_limit_under_the_new_name(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    given: Given,
    provider: Provider,
    upstream: str,
    expected: str,
) -> None:
    _, client = await proxy(model("gpt", provider.url, model=upstream))
    key = await given.key()

    await client.post(CHAT, json={**HELLO, "max_tokens": 9}, headers=key.headers)

    (received,) = provider.requests
    assert {"model", "messages", expected} == received.json.keys()
