"""/{provider}/…: a vendor's own API behind virtual keys, counted where usage can be read."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from tests.gateway.given import MASTER_KEY, ledger, model
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

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


@pytest.mark.parametrize(
    ("headers", "body"),
    [({"x-litellm-end-user-id": "ann"}, {}), ({}, {"user": "ann"})],
)
async def test_the_row_says_for_whom_and_by_what_it_is_found(
    client: httpx.AsyncClient,
    given: Given,
    gateway: Gateway,
    provider: Provider,
    headers: dict[str, str],
    body: dict[str, str],
) -> None:
    key = await given.key(allowed_routes=["/openai/*"])
    told = {"x-litellm-tags": "a,b", "x-litellm-session-id": "s-1", **headers, **key.headers}

    await client.post("/openai/v1/anything", json={**ASK, **body}, headers=told)

    (entry,) = await ledger(gateway, 1)
    row = orjson.loads(entry["row"])
    assert ("ann", ["a", "b"], "s-1") == (row["end_user"], row["request_tags"], row["session_id"])
    assert not [name for name in provider.requests[0].headers if name.startswith("x-litellm")]


async def test_a_blocked_end_user_is_refused_and_nobody_asked(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    await given.row("litellm_endusertable", user_id="ann", blocked=True)
    key = await given.key(allowed_routes=["/openai/*"])
    headers = {"x-litellm-end-user-id": "ann", **key.headers}

    reply = await client.post("/openai/v1/anything", json=ASK, headers=headers)

    assert (400, []) == (reply.status_code, provider.requests)
    assert "blocked" in reply.json()["error"]["message"]


async def test_what_a_vendor_calls_user_is_its_own(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key(allowed_routes=["/openai/*"])
    provider.next(Behaviour(body=b"{}"))

    reply = await client.post(
        "/openai/v1/anything", json={**ASK, "user": {"id": 7}}, headers=key.headers
    )

    assert (200, {"id": 7}) == (reply.status_code, provider.requests[0].json["user"])


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


async def test_the_vendors_status_kind_and_safe_headers_come_back(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    told = {
        "content-type": "text/csv",
        "content-disposition": 'attachment; filename="a.csv"',
        "x-ratelimit-remaining-requests": "7",
        "set-cookie": "session=1",
        "openai-organization": "our-account",
    }
    provider.next(Behaviour(status=201, headers=told, body=b"a,b\n1,2\n"))

    reply = await client.get(
        "/openai/v1/files/1/content", headers={"authorization": f"Bearer {MASTER_KEY}"}
    )

    assert (201, b"a,b\n1,2\n") == (reply.status_code, reply.content)
    shown = {name: reply.headers.get(name) for name in told}
    assert {**told, "set-cookie": None, "openai-organization": None} == shown
    assert reply.headers["x-litellm-call-id"]


async def test_a_vendors_refusal_comes_back_as_it_is_but_for_keys(
    client: httpx.AsyncClient, gateway: Gateway, provider: Provider
) -> None:
    told = b'{"error":{"code":422,"odd":"shape","message":"see sk-upstream-canary-secret"}}'
    provider.next(Behaviour(status=422, headers={"content-type": "text/odd"}, body=told))

    reply = await client.post(
        "/openai/v1/files", json=ASK, headers={"authorization": f"Bearer {MASTER_KEY}"}
    )

    shown = told.replace(b"sk-upstream-canary-secret", b"[key]")
    assert (422, "text/odd", shown) == (
        reply.status_code,
        reply.headers["content-type"],
        reply.content,
    )
    (entry,) = await ledger(gateway, 1)
    assert ("0", "failure") == (
        entry["spend"],
        orjson.loads(entry["row"])["metadata"]["status"],
    )


async def test_a_refusal_of_the_gateways_own_key_tells_nothing_of_it(
    client: httpx.AsyncClient, provider: Provider
) -> None:
    provider.next(Behaviour(status=401, body=b'{"error":{"message":"Incorrect key sk-u***ret"}}'))

    reply = await client.post(
        "/openai/v1/files", json=ASK, headers={"authorization": f"Bearer {MASTER_KEY}"}
    )

    assert (401, "authentication_error") == (reply.status_code, reply.json()["error"]["type"])
    assert "sk-u" not in reply.text


@pytest.mark.parametrize(
    ("columns", "status"), [({"rpm_limit": 0}, 429), ({"max_budget": 0.000000001}, 422)]
)
async def test_limits_and_budgets_hold_for_what_is_passed_through(
    client: httpx.AsyncClient,
    given: Given,
    provider: Provider,
    columns: dict[str, Any],
    status: int,
) -> None:
    key = await given.key(allowed_routes=["/openai/*"], **columns)

    reply = await client.post("/openai/v1/chat/completions", json=ASK, headers=key.headers)

    assert status == reply.status_code, reply.text
    assert [] == provider.requests


async def test_a_vendors_stream_keeps_its_kind_and_gets_no_comments(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    serve: Callable[[Gateway], Awaitable[httpx.AsyncClient]],
    provider: Provider,
) -> None:
    deployed = model("m", provider.url, model="gemini/g", api_base=f"{provider.url}/v1beta")
    gateway, _ = await proxy(deployed)
    client = await serve(replace(gateway, keep_alive_seconds=0.01))
    kind = {"content-type": "application/json; charset=UTF-8"}
    provider.next(Behaviour(headers=kind, chunks=[b"[{}", b",{}]"], seconds_between_chunks=0.1))

    reply = await client.post(
        f"/gemini/v1beta/models/g:streamGenerateContent?key={MASTER_KEY}", json=ASK
    )

    assert (b"[{},{}]", kind["content-type"]) == (reply.content, reply.headers["content-type"])
    (received,) = provider.requests
    assert "/v1beta/models/g:streamGenerateContent" == received.path
    assert MASTER_KEY not in str(received)


async def test_what_breaks_off_is_not_taken_for_whole(
    client: httpx.AsyncClient, gateway: Gateway, provider: Provider
) -> None:
    kind = {"content-type": "audio/mpeg"}
    provider.next(Behaviour(headers=kind, chunks=[b"a", b"b"], resets=1))

    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(
            "/openai/v1/audio/speech",
            json={**ASK, "stream": True},
            headers={"authorization": f"Bearer {MASTER_KEY}"},
        )

    (entry,) = await ledger(gateway, 1)
    assert "failure" == orjson.loads(entry["row"])["metadata"]["status"]
