"""The doors themselves: browsers' preflights, HEAD, slashes at the end, other names of paths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.given import ledger

if TYPE_CHECKING:
    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given

HELLO: dict[str, Any] = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}
PAGE = {"origin": "https://app.example.com"}


@pytest.mark.parametrize(
    "path", ["/v1/chat/completions", "/v1/messages", "/v1beta/models/gpt:generateContent"]
)
async def test_a_browser_may_ask_before_it_calls(client: httpx.AsyncClient, path: str) -> None:
    asked = {
        **PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,x-stainless-os",
    }

    reply = await client.options(path, headers=asked)

    assert 200 == reply.status_code
    assert "*" == reply.headers["access-control-allow-origin"]
    assert "POST" in reply.headers["access-control-allow-methods"]
    assert "authorization" in reply.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in reply.headers


async def test_a_page_reads_answers_streams_and_errors(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key()
    chat = "/v1/chat/completions"

    replies = [
        await client.post(chat, json=HELLO, headers={**PAGE, **key.headers}),
        await client.post(chat, json={**HELLO, "stream": True}, headers={**PAGE, **key.headers}),
        await client.post(chat, json=HELLO, headers=PAGE),
        await client.get("/nowhere", headers=PAGE),
    ]

    assert [200, 200, 401, 404] == [reply.status_code for reply in replies]
    assert {"*"} == {reply.headers["access-control-allow-origin"] for reply in replies}


async def test_head_says_what_get_would_without_its_body(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key()

    root = await client.head("/")
    models = await client.head("/v1/models", headers=key.headers)
    chat = await client.head("/v1/chat/completions", headers=key.headers)

    assert [200, 200, 405] == [reply.status_code for reply in (root, models, chat)]
    assert int(models.headers["content-length"]) > 0
    assert b"" == models.content


@pytest.mark.parametrize(
    "path",
    [
        "/chat/completions",
        "/v1/chat/completions/",
        "/engines/gpt/chat/completions",
        "/openai/deployments/gpt/chat/completions?api-version=2024-10-21",
    ],
)
async def test_a_chat_has_the_paths_that_clients_know(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, path: str
) -> None:
    key = await given.key()

    reply = await client.post(path, json=HELLO, headers={"api-key": key.token})

    assert 200 == reply.status_code, reply.text
    await ledger(gateway, 1)


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/openai/v1/responses"])
async def test_a_response_has_the_paths_that_clients_know(
    client: httpx.AsyncClient, given: Given, path: str
) -> None:
    key = await given.key()

    reply = await client.post(path, json={"model": "nobody"}, headers=key.headers)

    assert (400, True) == (reply.status_code, "nobody" in reply.text)


@pytest.mark.parametrize("path", ["/v1/models", "/models", "/v1/models/", "/v1/models/gpt"])
async def test_models_have_the_paths_that_clients_know(
    client: httpx.AsyncClient, given: Given, path: str
) -> None:
    key = await given.key()

    reply = await client.get(path, headers=key.headers)

    body = reply.json()
    assert "gpt" == (body["data"][0] if "data" in body else body)["id"]
