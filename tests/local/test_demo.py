from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest

from tests.provider import BEFORE_HEAD, Behaviour

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from openai.types.chat import ChatCompletion

    from tests.provider import Provider

HELLO = "Hello there"
# "This is the demo model. You said: Hello there" is 45 bytes, "Hello there" 11.
HELLO_TOKENS = (3, 12)


@pytest.fixture
async def client(provider: Provider) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        base_url=f"{provider.url}/v1",
        api_key="none",
        max_retries=0,
    ) as client:
        yield client


async def test_chat_is_answered_the_same_way_twice(client: openai.AsyncOpenAI) -> None:
    first = await _chat(client)
    second = await _chat(client)

    assert "This is the demo model. You said: Hello there" == first.choices[0].message.content
    assert first == second


async def test_tokens_are_begun_four_bytes(client: openai.AsyncOpenAI) -> None:
    reply = await _chat(client)

    assert reply.usage
    assert HELLO_TOKENS == (reply.usage.prompt_tokens, reply.usage.completion_tokens)


async def test_answer_is_cut_at_max_tokens(client: openai.AsyncOpenAI) -> None:
    reply = await _chat(client, max_tokens=2)

    assert ("This is ", "length") == (
        reply.choices[0].message.content,
        reply.choices[0].finish_reason,
    )


async def test_streamed_words_make_the_whole_answer(client: openai.AsyncOpenAI) -> None:
    whole = await _chat(client)
    stream = await client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": HELLO}],
        stream=True,
    )

    chunks = [chunk async for chunk in stream]

    said = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert whole.choices[0].message.content == said
    assert "stop" == chunks[-1].choices[0].finish_reason


async def test_usage_comes_last_in_a_stream_that_asks_for_it(client: openai.AsyncOpenAI) -> None:
    stream = await client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": HELLO}],
        stream=True,
        stream_options={"include_usage": True},
    )

    *_, last = [chunk async for chunk in stream]

    assert last.usage
    assert ([], 15) == (last.choices, last.usage.total_tokens)


async def test_completion_goes_on_with_the_prompt(client: openai.AsyncOpenAI) -> None:
    reply = await client.completions.create(model="demo", prompt="Once upon", n=2)

    assert 2 == len(reply.choices)
    assert reply.choices[0].text.endswith("Once upon")


async def test_embedding_is_a_unit_vector_of_the_size_asked(client: openai.AsyncOpenAI) -> None:
    reply = await client.embeddings.create(model="demo", input=["a", "b"], dimensions=16)

    lengths = [round(sum(x * x for x in each.embedding), 3) for each in reply.data]
    assert ([1.0, 1.0], 16) == (lengths, len(reply.data[0].embedding))


async def test_embedding_is_the_same_in_either_encoding(client: openai.AsyncOpenAI) -> None:
    packed = await client.embeddings.create(model="demo", input="a")
    plain = await client.embeddings.create(model="demo", input="a", encoding_format="float")

    assert plain.data[0].embedding == pytest.approx(packed.data[0].embedding, abs=1e-6)


async def test_chat_without_messages_is_a_bad_request(client: openai.AsyncOpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="messages"):
        await client.chat.completions.create(model="demo", messages=[])


async def test_provider_fails_as_told_and_then_recovers(
    client: openai.AsyncOpenAI,
    provider: Provider,
) -> None:
    provider.next(Behaviour(status=429, headers={"retry-after": "7"}))

    with pytest.raises(openai.RateLimitError) as failure:
        await _chat(client)

    assert "7" == failure.value.response.headers["retry-after"]
    assert (await _chat(client)).choices


async def test_provider_cuts_the_stream_where_told(
    client: openai.AsyncOpenAI,
    provider: Provider,
) -> None:
    provider.next(Behaviour(resets=3))
    stream = await client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": HELLO}],
        stream=True,
    )
    chunks = aiter(stream)

    seen = [await anext(chunks) for _ in range(3)]

    assert "This " == seen[1].choices[0].delta.content
    with pytest.raises(openai.APIConnectionError):
        await anext(chunks)


async def test_provider_holds_until_released(
    client: openai.AsyncOpenAI,
    provider: Provider,
) -> None:
    provider.next(Behaviour(holds=2))
    stream = await client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": HELLO}],
        stream=True,
    )
    chunks = aiter(stream)
    first = [await anext(chunks), await anext(chunks)]

    provider.release()

    rest = [chunk async for chunk in chunks]
    assert (2, "stop") == (len(first), rest[-1].choices[0].finish_reason)


async def test_provider_sees_clients_leave(
    client: openai.AsyncOpenAI,
    provider: Provider,
) -> None:
    provider.next(Behaviour(holds=BEFORE_HEAD))

    with pytest.raises(openai.APITimeoutError):
        await _chat(client.with_options(timeout=0.2))

    await provider.lost(1)
    assert "/v1/chat/completions" == provider.requests[0].path


async def test_provider_leaves_usage_out_when_told(
    client: openai.AsyncOpenAI,
    provider: Provider,
) -> None:
    provider.next(Behaviour(has_usage=False))

    reply = await _chat(client)

    assert reply.usage is None


async def _chat(
    client: openai.AsyncOpenAI,
    max_tokens: int | None = None,
) -> ChatCompletion:
    return await client.chat.completions.create(
        model="demo",
        messages=[{"role": "user", "content": HELLO}],
        max_tokens=max_tokens,
    )
