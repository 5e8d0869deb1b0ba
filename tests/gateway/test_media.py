"""Moderations, rerank, images and sound, from the door to the ledger; paths that name a model."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.gateway.given import ledger, model
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.domain import Json, JsonObject
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

FILE = {"file": ("a.mp3", b"\x00\xffsound\r\n--", "audio/mpeg")}


def plain(name: str, base: str, upstream: str, **more: Json) -> JsonObject:
    """A deployment that is priced by the table, or by `more` alone."""
    entry = model(name, base, model=f"openai/{upstream}")
    params: Any = entry["litellm_params"]
    del params["input_cost_per_token"], params["output_cost_per_token"]
    params |= more
    return entry


def answer(**body: object) -> Behaviour:
    return Behaviour(body=orjson.dumps(body))


def nanodollars(dollars: str) -> str:
    return str(int(Decimal(dollars) * 10**9))


async def test_an_image_is_billed_by_the_piece(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(plain("img", provider.url, "x", input_cost_per_image=0.04))
    key = await given.key()
    provider.next(answer(created=1, data=[{"b64_json": "AA"}, {"b64_json": "AA"}]))
    ask = {"model": "img", "prompt": "A cat", "n": 2}

    reply = await client.post("/v1/images/generations", json=ask, headers=key.headers)

    assert (200, 2) == (reply.status_code, len(reply.json()["data"]))
    assert "/v1/images/generations" == provider.requests[0].path
    (entry,) = await ledger(gateway, 1)
    assert nanodollars("0.08") == entry["spend"]
    assert "aimage_generation" == orjson.loads(entry["row"])["call_type"]


async def test_image_tokens_cost_what_the_table_says(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(plain("img", provider.url, "gpt-image-1"))
    key = await given.key()
    details = {"text_tokens": 50, "image_tokens": 50}
    usage = {"input_tokens": 100, "output_tokens": 1000, "input_tokens_details": details}
    provider.next(answer(data=[{"b64_json": "AA"}], usage=usage))
    files = [("image[]", ("a.png", b"a", "image/png")), ("image[]", ("b.png", b"b", "image/png"))]

    reply = await client.post(
        "/v1/images/edits",
        data={"model": "img", "prompt": "More", "n": "1"},
        files=files,
        headers=key.headers,
    )

    assert 200 == reply.status_code, reply.text
    assert b'name="model"\r\n\r\ngpt-image-1\r\n' in provider.requests[0].body
    assert 2 == provider.requests[0].body.count(b'name="image[]"; filename=')
    (entry,) = await ledger(gateway, 1)
    assert nanodollars("0.04075") == entry["spend"]


async def test_speech_comes_as_sound_and_is_billed_by_the_character(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(plain("say", provider.url, "tts-1"))
    key = await given.key()
    provider.next(Behaviour(body=b"\xff\xf3sound", headers={"content-type": "audio/mpeg"}))
    ask = {"model": "say", "input": "Hello you", "voice": "alloy"}

    reply = await client.post("/v1/audio/speech", json=ask, headers=key.headers)

    assert b"\xff\xf3sound" == reply.content
    assert "audio/mpeg" == reply.headers["content-type"]
    (entry,) = await ledger(gateway, 1)
    assert nanodollars("0.000135") == entry["spend"]


@pytest.mark.parametrize(
    "told", [{"duration": 30.0}, {"usage": {"type": "duration", "seconds": 30}}]
)
async def test_a_transcript_is_billed_by_the_second(
    proxy: Proxy, given: Given, provider: Provider, told: dict[str, Any]
) -> None:
    gateway, client = await proxy(plain("hear", provider.url, "whisper-1"))
    key = await given.key()
    provider.next(answer(text="Hello", **told))

    reply = await client.post(
        "/v1/audio/transcriptions", data={"model": "hear"}, files=FILE, headers=key.headers
    )

    assert "Hello" == reply.json()["text"]
    assert b"\r\n\r\n\x00\xffsound\r\n--\r\n" in provider.requests[0].body
    (entry,) = await ledger(gateway, 1)
    assert nanodollars("0.003") == entry["spend"]


async def test_a_plain_transcript_is_text_and_its_length_estimated(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(plain("hear", provider.url, "whisper-1"))
    key = await given.key()
    provider.next(Behaviour(body=b"1\n00:00 --> 00:01\nHello"))
    files = {"file": ("a.mp3", b"x" * 32_000, "audio/mpeg")}
    form = {"model": "hear", "response_format": "srt"}

    reply = await client.post(
        "/v1/audio/transcriptions", data=form, files=files, headers=key.headers
    )

    assert "text/plain" == reply.headers["content-type"].partition(";")[0]
    (entry,) = await ledger(gateway, 1)
    assert nanodollars("0.0002") == entry["spend"]
    assert orjson.loads(entry["row"])["metadata"]["estimated"] is True


@pytest.mark.parametrize("path", ["/rerank", "/v1/rerank", "/v2/rerank"])
async def test_rerank_is_billed_by_the_search(
    proxy: Proxy, given: Given, provider: Provider, path: str
) -> None:
    gateway, client = await proxy(plain("rank", provider.url, "x", input_cost_per_query=0.002))
    key = await given.key()
    results = [{"index": 1, "relevance_score": 0.9}]
    provider.next(answer(id="r1", results=results, meta={"billed_units": {"search_units": 3}}))
    ask = {"model": "rank", "query": "q", "documents": ["a", "b"], "top_n": 1}

    reply = await client.post(path, json=ask, headers=key.headers)

    assert (200, results) == (reply.status_code, reply.json()["results"])
    (entry,) = await ledger(gateway, 1)
    assert nanodollars("0.006") == entry["spend"]


async def test_cohere_itself_is_asked_at_its_own_path(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    entry = {
        "model_name": "rank",
        "litellm_params": {
            "model": "cohere/rerank-v3.5",
            "api_base": provider.url,
            "api_key": "sk-upstream-canary-secret",
        },
    }
    gateway, client = await proxy(entry)
    key = await given.key()
    provider.next(answer(id="r1", results=[], meta={"billed_units": {"search_units": 1}}))
    ask = {"model": "rank", "query": "q", "documents": ["a"]}

    reply = await client.post("/v2/rerank", json=ask, headers=key.headers)

    assert 200 == reply.status_code, reply.text
    assert "/v2/rerank" == provider.requests[0].path
    (row,) = await ledger(gateway, 1)
    assert nanodollars("0.002") == row["spend"]


async def test_a_moderation_needs_no_model_and_costs_nothing(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    name = "omni-moderation-latest"
    gateway, client = await proxy(plain(name, provider.url, name))
    key = await given.key()
    provider.next(answer(id="modr-1", model=name, results=[{"flagged": False}]))

    reply = await client.post("/v1/moderations", json={"input": "Hello"}, headers=key.headers)

    assert (200, False) == (reply.status_code, reply.json()["results"][0]["flagged"])
    (entry,) = await ledger(gateway, 1)
    assert "0" == entry["spend"]
    assert "unpriced" not in orjson.loads(entry["row"])["metadata"]


async def test_a_budget_that_cannot_bear_the_images_refuses_them(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(plain("img", provider.url, "x", input_cost_per_image=0.04))
    key = await given.key(max_budget=Decimal("0.1"))
    ask = {"model": "img", "prompt": "A cat", "n": 3}

    reply = await client.post("/v1/images/generations", json=ask, headers=key.headers)

    assert (422, "budget_exceeded") == (reply.status_code, reply.json()["error"]["type"])
    assert [] == provider.requests


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/v1/images/generations", {"model": "gpt"}, "prompt"),
        ("/v1/images/generations", {"model": "gpt", "prompt": "x", "n": 11}, "n"),
        ("/v1/images/generations", {"model": "gpt", "prompt": "x", "stream": True}, "stream"),
        ("/v1/audio/speech", {"model": "gpt", "input": "x"}, "voice"),
        ("/v1/moderations", {}, "input"),
        ("/v1/rerank", {"model": "gpt", "query": "q", "documents": []}, "documents"),
        ("/v1/audio/transcriptions", {"model": "gpt"}, "request_body"),
    ],
)
async def test_a_bad_request_names_its_field(
    client: httpx.AsyncClient, given: Given, path: str, body: dict[str, Any], param: str
) -> None:
    key = await given.key()

    reply = await client.post(path, json=body, headers=key.headers)

    assert (400, param) == (reply.status_code, reply.json()["error"]["param"])


async def test_a_transcription_without_its_file_is_refused(
    client: httpx.AsyncClient, given: Given
) -> None:
    key = await given.key()
    files = {"other": ("a", b"", "audio/mpeg")}

    reply = await client.post(
        "/v1/audio/transcriptions", data={"model": "gpt"}, files=files, headers=key.headers
    )

    assert (400, "file") == (reply.status_code, reply.json()["error"]["param"])


@pytest.mark.parametrize("prefix", ["/engines", "/v1/engines", "/openai/deployments"])
async def test_a_path_may_name_the_model(
    proxy: Proxy, given: Given, provider: Provider, prefix: str
) -> None:
    _, client = await proxy(model("team/gpt", provider.url))
    key = await given.key(models=["team/gpt"])
    ask = {"messages": [{"role": "user", "content": "Hello"}]}
    headers = {"api-key": key.token}

    chat = await client.post(
        f"{prefix}/team/gpt/chat/completions?api-version=2024-10-21", json=ask, headers=headers
    )
    embedding = await client.post(
        f"{prefix}/team/gpt/embeddings", json={"model": "other", "input": "x"}, headers=headers
    )

    assert [(200, "team/gpt")] * 2 == [
        (reply.status_code, reply.json()["model"]) for reply in (chat, embedding)
    ]
