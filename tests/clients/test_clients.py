"""OpenAI's Python SDK through endpoints beside text, and what is stored, to the ledger's rows."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openai
import orjson
import pytest

from tests.gateway.given import ledger, model
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Flow = Callable[["Sdk"], Awaitable[None]]

pytestmark = pytest.mark.slow

HELLO: Any = [{"role": "user", "content": "Hello"}]


@dataclass
class Sdk:
    """A client of one gateway, and the provider it does not know of."""

    client: openai.AsyncOpenAI
    provider: Provider


async def chat(sdk: Sdk) -> None:
    reply = await sdk.client.chat.completions.create(model="gpt", messages=HELLO)

    assert reply.choices[0].message.content


async def chat_stream(sdk: Sdk) -> None:
    stream = await sdk.client.chat.completions.create(
        model="gpt", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]

    assert chunks[-1].usage
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


async def raw_response(sdk: Sdk) -> None:
    raw = await sdk.client.chat.completions.with_raw_response.create(model="gpt", messages=HELLO)

    assert raw.headers["x-request-id"]
    assert raw.parse().model == "gpt"


async def bridged_response(sdk: Sdk) -> None:
    reply = await sdk.client.responses.create(model="bridged", input="Hello")

    assert reply.output_text
    assert reply.usage


async def bridged_response_stream(sdk: Sdk) -> None:
    async with sdk.client.responses.stream(model="bridged", input="Hello") as stream:
        kinds = [event.type async for event in stream]
        final = await stream.get_final_response()

    assert "response.completed" == kinds[-1]
    assert final.output_text


async def stored_response(sdk: Sdk) -> None:
    whole = {"id": "resp_up", "object": "response", "output": [], "usage": None, "error": None}
    sdk.provider.next(*[Behaviour(body=orjson.dumps(whole))] * 2)
    made = await sdk.client.responses.create(model="gpt", input="Hello")
    read = await sdk.client.responses.retrieve(made.id)

    assert made.id == read.id


async def embeddings(sdk: Sdk) -> None:
    reply = await sdk.client.embeddings.create(model="gpt", input=["a", "b"])

    assert 2 == len(reply.data)
    assert isinstance(reply.data[0].embedding[0], float)


async def images(sdk: Sdk) -> None:
    sdk.provider.next(Behaviour(body=b'{"created":1,"data":[{"b64_json":"AA=="}]}'))
    reply = await sdk.client.images.generate(model="gpt", prompt="A cat")

    assert reply.data
    assert b"\0" == base64.b64decode(reply.data[0].b64_json or "")


async def image_edit(sdk: Sdk) -> None:
    sdk.provider.next(Behaviour(body=b'{"created":1,"data":[{"b64_json":"AA=="}]}'))
    reply = await sdk.client.images.edit(model="gpt", prompt="More", image=("a.png", b"png"))

    assert reply.data


async def speech(sdk: Sdk) -> None:
    sdk.provider.next(Behaviour(body=b"\xff\xf3"))
    reply = await sdk.client.audio.speech.create(model="gpt", input="Hello", voice="alloy")

    assert b"\xff\xf3" == reply.content


async def transcription(sdk: Sdk) -> None:
    sdk.provider.next(Behaviour(body=b'{"text":"Hello"}'))
    reply = await sdk.client.audio.transcriptions.create(model="gpt", file=("a.mp3", b"mp3"))

    assert "Hello" == reply.text


async def moderation(sdk: Sdk) -> None:
    sdk.provider.next(Behaviour(body=b'{"id":"m","model":"x","results":[]}'))
    reply = await sdk.client.moderations.create(model="gpt", input="Hello")

    assert [] == reply.results


async def models(sdk: Sdk) -> None:
    found = [entry.id async for entry in sdk.client.models.list()]

    assert {"gpt", "bridged"} == set(found)


async def errors(sdk: Sdk) -> None:
    with pytest.raises(openai.BadRequestError):
        await sdk.client.chat.completions.create(model="nobody", messages=HELLO)
    sdk.provider.next(*[Behaviour(status=400)])
    with pytest.raises(openai.BadRequestError):
        await sdk.client.chat.completions.create(model="gpt", messages=HELLO)


FLOWS: tuple[Flow, ...] = (
    *(chat, chat_stream, raw_response, bridged_response, bridged_response_stream),
    *(stored_response, embeddings, images, image_edit, speech, transcription),
    *(moderation, models, errors),
)
UNBILLED = 2
"""Flows without a row: the list of models, and the stored response's reading."""


async def test_openais_python_sdk_goes_through_every_flow(
    proxy: Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]],
    given: Given,
    provider: Provider,
) -> None:
    gateway, http = await proxy(
        model("gpt", provider.url), model("bridged", provider.url, model="groq/fake-model")
    )
    key = await given.key()
    results: dict[str, str] = {}
    async with openai.AsyncOpenAI(
        base_url=f"{http.base_url}/v1".replace("//v1", "/v1"), api_key=key.token, max_retries=0
    ) as client:
        for flow in FLOWS:
            try:
                await flow(Sdk(client, provider))
            except (AssertionError, openai.OpenAIError) as error:
                results[flow.__name__] = f"{type(error).__name__}: {error}"[:200]
            else:
                results[flow.__name__] = "ok"

    width = max(map(len, results))
    print(f"\nopenai {openai.__version__} (Python)")  # noqa: T201 - the table is the point
    for name, result in results.items():
        print(f"  {name:<{width}}  {result}")  # noqa: T201
    assert {"ok"} == set(results.values())
    rows = await ledger(gateway, len(FLOWS) - UNBILLED)
    assert all(orjson.loads(row["row"])["api_key"] == key.hash for row in rows)
