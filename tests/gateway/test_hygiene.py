"""What goes upstream: nothing internal, no foreign keys, limits under the name the model takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.gateway.given import CHAT, model

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

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
    "given_elsewhere",
    [
        {"api_base": "http://a.example"},
        {"aws_secret_access_key": "x"},
        {"aws_region_name": "eu-west-1"},
        {"vertex_credentials": {"type": "service_account"}},
        {"azure_ad_token": "x"},
        {"input_cost_per_token": 0},
        {"extra_body": {"api_key": "x"}},
        {"extra_body": {"aws_role_name": "arn:aws:iam::1:role/a"}},
    ],
)
async def test_addresses_credentials_and_prices_in_a_body_are_refused(
    client: httpx.AsyncClient, given: Given, provider: Provider, given_elsewhere: dict[str, object]
) -> None:
    key = await given.key()

    reply = await client.post(CHAT, json={**HELLO, **given_elsewhere}, headers=key.headers)

    inner = given_elsewhere.get("extra_body")
    name = next(iter(inner if isinstance(inner, dict) else given_elsewhere))
    assert (400, name) == (reply.status_code, reply.json()["error"]["param"])
    assert [] == provider.requests


async def test_an_extra_body_goes_up_as_if_it_were_the_body_and_changes_none_of_it(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()
    extra = {"model": "other", "top_k": 5, "timeout": 9, "user_config": None}

    reply = await client.post(CHAT, json={**HELLO, "extra_body": extra}, headers=key.headers)

    assert 200 == reply.status_code, reply.text
    (received,) = provider.requests
    assert {"model", "messages", "top_k"} == received.json.keys()


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
