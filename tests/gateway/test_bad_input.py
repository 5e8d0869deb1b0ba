"""Whatever is sent: a 4xx in LiteLLM's shape, no row, no counter, nothing asked upstream."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from tests.gateway.given import MASTER_KEY, names

if TYPE_CHECKING:
    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

CHAT, COMPLETIONS, EMBEDDINGS = "/v1/chat/completions", "/v1/completions", "/v1/embeddings"
MESSAGES = b'"messages":[{"role":"user","content":"Hello"}]'


def chat(fields: bytes) -> bytes:
    return b'{"model":"gpt",' + MESSAGES + b"," + fields + b"}"


BODIES = {
    "nothing": b"",
    "half an object": b'{"model": "gpt", "messages": [',
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "not UTF-8": b'{"model": "\xff\xfe"}',
    "a byte order mark": b"\xef\xbb\xbf{}",
    "no model": b"{" + MESSAGES + b"}",
    "no messages": b'{"model": "gpt"}',
    "a model that is a number": b'{"model": 1,' + MESSAGES + b"}",
    "an empty model": b'{"model": "",' + MESSAGES + b"}",
    "a model of 256 characters": b'{"model": "' + b"m" * 256 + b'",' + MESSAGES + b"}",
    "messages that are text": b'{"model": "gpt", "messages": "Hello"}',
    "messages of numbers": b'{"model": "gpt", "messages": [1, 2]}',
    "a message without a role": b'{"model": "gpt", "messages": [{"content": "x"}]}',
    "NaN": chat(b'"temperature": NaN'),
    "Infinity": chat(b'"temperature": Infinity'),
    "1e309": chat(b'"temperature": 1e309'),
    "negative tokens": chat(b'"max_tokens": -1'),
    "tokens as text": chat(b'"max_tokens": "5"'),
    "tokens as a boolean": chat(b'"max_tokens": true'),
    "half a token": chat(b'"max_tokens": 1.5'),
    "a huge number": chat(b'"max_tokens": 1' + b"0" * 400),
    "a thousand choices": chat(b'"n": 1000'),
    "no choice": chat(b'"n": 0'),
    "stream as text": chat(b'"stream": "yes"'),
    "NUL": chat(b'"user": "a\\u0000b"'),
    "a lone surrogate": chat(b'"user": "\\ud800"'),
    "deep nesting": chat(b'"metadata": ' + b"[" * 5_000 + b"]" * 5_000),
    "api_base": chat(b'"api_base": "http://169.254.169.254/"'),
    "api_key": chat(b'"api_key": "sk-somebody-elses"'),
    "10 MB": chat(b'"x": "' + b"x" * 10_000_000 + b'"'),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_bad_body_is_a_400_and_changes_nothing(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, provider: Provider, name: str
) -> None:
    key = await given.key(max_budget=1, rpm_limit=10)

    reply = await client.post(CHAT, content=BODIES[name], headers=key.headers)

    assert (413 if name == "10 MB" else 400) == reply.status_code, reply.text
    assert {"message", "type", "param", "code"} == reply.json()["error"].keys()
    assert [] == provider.requests
    assert [] == await names(gateway, "*")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (EMBEDDINGS, {"model": "gpt"}),
        (EMBEDDINGS, {"model": "gpt", "input": ["x"] * 2_049}),
        (EMBEDDINGS, {"model": "gpt", "input": {"a": 1}}),
        (EMBEDDINGS, {"model": "gpt", "input": []}),
        (COMPLETIONS, {"model": "gpt"}),
        (COMPLETIONS, {"model": "gpt", "prompt": {"a": 1}}),
    ],
)
async def test_bad_input_of_other_endpoints_is_a_400(
    client: httpx.AsyncClient, given: Given, path: str, body: dict[str, object]
) -> None:
    key = await given.key()

    reply = await client.post(path, json=body, headers=key.headers)

    assert (400, "invalid_request_error") == (reply.status_code, reply.json()["error"]["type"])


async def test_a_compressed_body_is_a_415(client: httpx.AsyncClient, given: Given) -> None:
    key = await given.key()

    reply = await client.post(
        CHAT,
        content=gzip.compress(chat(b'"n": 1')),
        headers={**key.headers, "content-encoding": "gzip"},
    )

    assert 415 == reply.status_code


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-litellm-timeout", "NaN"),
        ("x-litellm-timeout", "-1"),
        ("x-litellm-num-retries", "many"),
        ("x-litellm-num-retries", "1e9"),
        ("x-litellm-tags", "," * 10_000),
        ("x-litellm-end-user-id", "u" * 10_000),
        ("x-litellm-call-id", "\xff\xfe"),
        ("authorization", "Bearer \xe9\xe8"),
        ("authorization", "Basic " + "A" * 5_000),
        ("x-litellm-api-key", "sk-\xff"),
        ("content-type", "multipart/form-data; boundary=" + "x" * 3_000),
        ("host", "evil.example/#@"),
    ],
)
async def test_a_hostile_header_is_never_a_5xx(
    client: httpx.AsyncClient, name: str, value: str
) -> None:
    headers = {"authorization": f"Bearer {MASTER_KEY}", name: value}

    reply = await client.post(
        CHAT,
        content=chat(b'"n": 1'),
        headers=[(key.encode(), value.encode("latin-1")) for key, value in headers.items()],
    )

    assert reply.status_code < 500


async def test_ids_with_colons_and_braces_are_accepted_and_cannot_forge_a_counter(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    hostile = "a:{b}%3A\n2026-01-01"
    key = await given.key(user_id=await given.user(user_id=hostile, rpm_limit=5, max_budget=1))

    reply = await client.post(
        CHAT, content=chat(b'"n": 1'), headers={**key.headers, "content-type": "application/json"}
    )

    assert 200 == reply.status_code
    assert ["budget:user:a%3A%7Bb%7D%253A%0A2026-01-01:-"] == await names(gateway, "budget:user:*")


@pytest.mark.parametrize("path", ["/v1/chat/completions/x", "/v1//chat/completions", "/v1/nope"])
async def test_an_unknown_path_is_a_404_in_the_same_shape(
    client: httpx.AsyncClient, path: str
) -> None:
    reply = await client.post(path, json={})

    assert (404, "404") == (reply.status_code, reply.json()["error"]["code"])


async def test_the_wrong_method_is_a_405(client: httpx.AsyncClient) -> None:
    reply = await client.get(CHAT)

    assert (405, "405") == (reply.status_code, reply.json()["error"]["code"])
