"""/v1/responses from the door to the ledger: native, bridged, stored and taken up again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import orjson
import pytest

from tests.gateway.given import ledger, model, price_of
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

ASK: dict[str, Any] = {"model": "gpt", "input": "Hello", "max_output_tokens": 50}
USAGE = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}
WHOLE = {
    "id": "resp_upstream",
    "object": "response",
    "model": "fake-model",
    "status": "completed",
    "error": None,
    "output": [],
    "usage": USAGE,
}


def answered(**changed: object) -> Behaviour:
    return Behaviour(body=orjson.dumps({**WHOLE, **changed}))


def event(kind: str, **fields: object) -> bytes:
    return (
        f"event: {kind}\n".encode() + b"data: " + orjson.dumps({"type": kind, **fields}) + b"\n\n"
    )


STREAMED = [
    event("response.created", response={**WHOLE, "usage": None}, sequence_number=0),
    event("response.output_text.delta", delta="Hi", sequence_number=1),
    event("response.completed", response=WHOLE, sequence_number=2),
]


async def stored_id(client: httpx.AsyncClient, provider: Provider, key: GivenKey) -> str:
    provider.next(answered())
    reply = await client.post("/v1/responses", json=ASK, headers=key.headers)
    assert 200 == reply.status_code, reply.text
    return reply.json()["id"]


async def test_an_openai_deployment_is_asked_natively_and_billed(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, provider: Provider
) -> None:
    key = await given.key()
    provider.next(answered())

    reply = await client.post("/v1/responses", json=ASK, headers=key.headers)

    assert (200, "gpt") == (reply.status_code, reply.json()["model"])
    assert "/v1/responses" == provider.requests[0].path
    (entry,) = await ledger(gateway, 1)
    assert str(price_of(7, 5)) == entry["spend"]
    assert "aresponses" == orjson.loads(entry["row"])["call_type"]


async def test_a_native_stream_keeps_its_events_under_the_public_name(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, provider: Provider
) -> None:
    key = await given.key()
    provider.next(Behaviour(chunks=STREAMED))

    reply = await client.post("/v1/responses", json={**ASK, "stream": True}, headers=key.headers)

    lines = reply.text.split("\n\n")
    assert ["event: response.created", "event: response.output_text.delta"] == [
        line.split("\n")[0] for line in lines[:2]
    ]
    last = orjson.loads(lines[2].split("data: ")[1])
    assert "gpt" == last["response"]["model"]
    assert "resp_upstream" != last["response"]["id"]
    assert [""] == lines[3:]
    (entry,) = await ledger(gateway, 1)
    assert str(price_of(7, 5)) == entry["spend"]


async def test_a_caller_who_hangs_up_at_completed_is_booked_as_success(
    client: httpx.AsyncClient, given: Given, gateway: Gateway, provider: Provider
) -> None:
    key = await given.key()
    provider.next(Behaviour(chunks=STREAMED, holds=3))

    async with client.stream(
        "POST", "/v1/responses", json={**ASK, "stream": True}, headers=key.headers
    ) as reply:
        async for line in reply.aiter_lines():
            if line.startswith("data: ") and "response.completed" in line:
                break
        rows = await ledger(gateway, 1)

    assert str(price_of(7, 5)) == rows[0]["spend"]
    assert "success" == orjson.loads(rows[0]["row"])["metadata"]["status"]


async def test_other_providers_are_bridged_to_chat_and_billed_alike(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url, model="groq/fake-model"))
    key = await given.key()

    whole = await client.post("/v1/responses", json=ASK, headers=key.headers)
    streamed = await client.post("/v1/responses", json={**ASK, "stream": True}, headers=key.headers)

    assert {"/v1/chat/completions"} == {received.path for received in provider.requests}
    assert whole.json()["output"][0]["content"][0]["text"].startswith("This is the demo model")
    usage = whole.json()["usage"]
    rows = await ledger(gateway, 2)
    expected = str(price_of(usage["input_tokens"], usage["output_tokens"]))
    assert [expected] * 2 == [row["spend"] for row in rows]
    assert "event: response.completed" in streamed.text
    assert "[DONE]" not in streamed.text


async def test_a_stored_response_is_read_and_deleted_where_it_is(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()
    sealed = await stored_id(client, provider, key)
    provider.next(
        answered(),
        Behaviour(body=b'{"object":"list","data":[],"has_more":false}'),
        answered(status="cancelled"),
        Behaviour(body=b'{"id":"resp_upstream","object":"response","deleted":true}'),
    )

    read = await client.get(f"/v1/responses/{sealed}?include[]=x&evil=1", headers=key.headers)
    items = await client.get(f"/v1/responses/{sealed}/input_items?limit=2", headers=key.headers)
    cancelled = await client.post(f"/v1/responses/{sealed}/cancel", headers=key.headers)
    deleted = await client.delete(f"/v1/responses/{sealed}", headers=key.headers)

    assert [200] * 4 == [each.status_code for each in (read, items, cancelled, deleted)]
    assert [sealed, sealed] == [read.json()["id"], deleted.json()["id"]]
    assert "gpt" == read.json()["model"]
    asked = [(each.method, each.path) for each in provider.requests[1:]]
    assert [
        ("GET", "/v1/responses/resp_upstream"),
        ("GET", "/v1/responses/resp_upstream/input_items"),
        ("POST", "/v1/responses/resp_upstream/cancel"),
        ("DELETE", "/v1/responses/resp_upstream"),
    ] == asked


async def test_another_tenants_response_does_not_exist(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key, other = await given.key(), await given.key()
    sealed = await stored_id(client, provider, key)

    replies = [
        await client.get(f"/v1/responses/{sealed}", headers=other.headers),
        await client.get("/v1/responses/resp_upstream", headers=key.headers),
        await client.get(f"/v1/responses/{sealed[:-2]}AA", headers=key.headers),
        await client.delete(f"/v1/responses/{sealed}", headers=other.headers),
    ]

    assert [404] * 4 == [reply.status_code for reply in replies]
    assert 1 == len(provider.requests)


async def test_the_keys_of_a_team_share_its_responses(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    team = await given.team()
    key, mate = await given.key(team_id=team), await given.key(team_id=team)
    sealed = await stored_id(client, provider, key)
    provider.next(answered())

    reply = await client.get(f"/v1/responses/{sealed}", headers=mate.headers)

    assert 200 == reply.status_code


async def test_the_past_is_taken_up_in_the_account_that_stores_it(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(
        model("gpt", provider.url, model_info={"id": "a"}),
        model("gpt", provider.url, api_key="sk-another-account", model_info={"id": "b"}),
    )
    key, other = await given.key(), await given.key()
    sealed = await stored_id(client, provider, key)
    provider.default = answered()
    again = {**ASK, "previous_response_id": sealed}

    replies = [
        await client.post("/v1/responses", json=again, headers=key.headers) for _ in range(5)
    ]
    foreign = await client.post("/v1/responses", json=again, headers=other.headers)

    assert [200] * 5 == [reply.status_code for reply in replies]
    assert 1 == len({received.headers["authorization"] for received in provider.requests})
    assert {"resp_upstream"} == {
        received.json["previous_response_id"] for received in provider.requests[1:]
    }
    assert (400, "previous_response_id") == (
        foreign.status_code,
        foreign.json()["error"]["param"],
    )


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "gpt", "input": 5}, "input"),
        ({"model": "gpt", "input": "x", "background": True}, "background"),
        ({"model": "gpt", "input": "x", "conversation": "conv_1"}, "conversation"),
        ({"input": "x"}, "model"),
    ],
)
async def test_a_bad_request_names_its_field(
    client: httpx.AsyncClient, given: Given, body: dict[str, Any], param: str
) -> None:
    key = await given.key()

    reply = await client.post("/v1/responses", json=body, headers=key.headers)

    assert (400, param) == (reply.status_code, reply.json()["error"]["param"])


async def test_a_response_shaped_body_is_welcome_at_chat_completions(
    client: httpx.AsyncClient, given: Given, provider: Provider
) -> None:
    key = await given.key()
    body = {"model": "gpt", "input": [{"role": "user", "content": "Hello"}]}

    reply = await client.post("/v1/chat/completions", json=body, headers=key.headers)

    assert (200, "chat.completion") == (reply.status_code, reply.json()["object"])
    assert [{"role": "user", "content": "Hello"}] == provider.requests[0].json["messages"]


async def test_openai_before_a_public_name_means_that_name(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key(models=["gpt"])
    body = {"model": "openai/gpt", "messages": [{"role": "user", "content": "Hello"}]}

    reply = await client.post("/v1/chat/completions", json=body, headers=key.headers)

    assert (200, "gpt") == (reply.status_code, reply.json()["model"])


async def test_the_sdk_counts_an_inputs_tokens_for_nothing(
    proxy: Proxy,
    given: Given,
    provider: Provider,
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url), model("bridged", provider.url, model="groq/fake-model")
    )
    key = await given.key()
    provider.next(Behaviour(body=b'{"object":"response.input_tokens","input_tokens":11}'))

    async with openai.AsyncOpenAI(base_url=f"{client.base_url}/v1", api_key=key.token) as sdk:
        theirs = await sdk.responses.input_tokens.count(model="gpt", input="Hello")
        ours = await sdk.responses.input_tokens.count(model="bridged", input="Hello")

    assert (11, "/v1/responses/input_tokens") == (theirs.input_tokens, provider.requests[0].path)
    assert ours.input_tokens > 0
    assert 1 == len(provider.requests)
    assert ["0", "0"] == [row["spend"] for row in await ledger(gateway, 2)]


async def test_the_sdk_compacts_a_conversation_and_pays_for_it(
    proxy: Proxy,
    given: Given,
    provider: Provider,
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url), model("bridged", provider.url, model="groq/fake-model")
    )
    key = await given.key()
    compacted = {"id": "cmp_1", "object": "response.compaction", "output": [], "usage": USAGE}
    provider.next(Behaviour(body=orjson.dumps(compacted)))

    async with openai.AsyncOpenAI(
        base_url=f"{client.base_url}/v1", api_key=key.token, max_retries=0
    ) as sdk:
        made = await sdk.responses.compact(model="gpt", input="Hello")
        with pytest.raises(openai.BadRequestError):
            await sdk.responses.compact(model="bridged", input="Hello")

    assert ("cmp_1", 12) == (made.id, made.usage.total_tokens)
    assert price_of(7, 5) == int((await ledger(gateway, 1))[0]["spend"])
