"""One suite over every dialect: what a chat may hold goes out, what comes back is OpenAI's."""

from __future__ import annotations

import itertools
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anthropic.types
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from shared.controls import Handling
from shared.domain import Endpoint, JsonObject
from shared.errors import BadRequest
from shared.spend.cost import cost
from shared.spend.prices import Price, Rates
from tests.providers.calls import HELLO, call, decoded
from tests.providers.wires import ARGUMENTS, CALL, EVERY, WIRES, spoken, there

if TYPE_CHECKING:
    from shared.providers.dialect import StreamEvent

every = pytest.mark.parametrize("provider", sorted(EVERY))
every_dialect = pytest.mark.parametrize("provider", sorted(WIRES))
translated = pytest.mark.parametrize(
    "provider", sorted(WIRES.keys() - {"openai", "azure", "azure_ai", "mistral"})
)
NEEDS_DATA = {"bedrock", "bedrock/invoke", "vertex_ai/claude"}
"""Who takes images as data only."""
SCHEMA: JsonObject = {
    "type": "object",
    "properties": {"town": {"type": "string"}},
    "required": ["town"],
    "additionalProperties": False,
}
TOOL: JsonObject = {
    "type": "function",
    "function": {"name": "weather", "description": "Tells it.", "parameters": SCHEMA},
}


def sent(provider: str, body: JsonObject, **changed: object) -> tuple[str, str]:
    """The address and the text of the request for a chat."""
    request = spoken(provider).request(call({**HELLO, **body}), there(provider, **changed))
    return request.url, request.body.decode()


def streamed(
    provider: str, *pieces: bytes, endpoint: Endpoint = Endpoint.CHAT
) -> list[StreamEvent]:
    asked = call(is_stream=True, wants_usage_chunk=True, endpoint=endpoint)
    return decoded(spoken(provider, endpoint).decoder(asked), *pieces)


def seen(events: list[StreamEvent]) -> list[object]:
    return [(e.data, e.usage, e.text_bytes, e.response_id, e.is_done, str(e.error)) for e in events]


@every
def test_a_chat_goes_to_the_vendors_model_with_the_vendors_key(provider: str) -> None:
    request = spoken(provider).request(call(), there(provider))

    assert request.url.startswith(EVERY[provider].base)
    assert "gpt-4o" in request.url + request.body.decode()
    assert '"fast"' not in request.body.decode()
    assert "Hello" in request.body.decode()
    assert any("sk-secret" in value for value in request.headers.values())
    assert "sk-secret" not in request.url


@every
def test_a_stream_is_asked_for(provider: str) -> None:
    request = spoken(provider).request(call(is_stream=True), there(provider))

    marks = ("streamGenerateContent?alt=sse", "/converse-stream", '"stream":true')
    marks += ("/invoke-with-response-stream", ":streamRawPredict")
    assert any(mark in request.url + request.body.decode() for mark in marks)


@every
def test_a_reply_is_a_completion(provider: str) -> None:
    wire = EVERY[provider]

    reply = spoken(provider).reply(call(), wire.reply)

    found = ChatCompletion.model_validate({**reply.body, "model": "fast"}, strict=True)
    (choice,) = found.choices
    assert ("Hello €", "tool_calls") == (choice.message.content, choice.finish_reason)
    assert found.usage
    assert (wire.usage, 38) == (reply.usage, found.usage.total_tokens)


@every
def test_a_tools_call_is_one(provider: str) -> None:
    body: Any = spoken(provider).reply(call(), EVERY[provider].reply).body

    (made,) = body["choices"][0]["message"]["tool_calls"]
    assert {**CALL, "id": EVERY[provider].call_id} == {name: made[name] for name in CALL}


@every
def test_a_stream_has_the_replys_text_call_and_usage(provider: str) -> None:
    wire = EVERY[provider]

    events = streamed(provider, wire.stream)

    chunks = [ChatCompletionChunk.model_validate(e.data) for e in events if e.data]
    deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    calls = [made for d in deltas for made in d.tool_calls or []]
    assert "Hello €" == "".join(d.content or "" for d in deltas)
    assert (wire.call_id, "weather") == (calls[0].id, calls[0].function and calls[0].function.name)
    assert ARGUMENTS == "".join((c.function and c.function.arguments) or "" for c in calls)
    assert ["tool_calls"] == [
        c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason
    ]
    assert wire.usage == [e.usage for e in events if e.usage][-1]
    assert chunks[-1].usage
    assert 38 == chunks[-1].usage.total_tokens
    assert [True] == [e.is_done for e in events if e.is_done or e.error]


@every_dialect
@given(cuts=st.lists(st.integers(0, 5_000), max_size=12))
@settings(max_examples=25)
def test_any_cut_of_a_stream_gives_the_same_events(provider: str, cuts: list[int]) -> None:
    stream = EVERY[provider].stream
    marks = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(marks)]

    assert seen(streamed(provider, stream)) == seen(streamed(provider, *pieces))


@every_dialect
def test_a_stream_cut_at_every_byte_gives_the_same_events(provider: str) -> None:
    stream = EVERY[provider].stream

    assert seen(streamed(provider, stream)) == seen(
        streamed(provider, *(stream[i : i + 1] for i in range(len(stream))))
    )


@every
def test_a_stream_that_ends_too_early_is_an_error(provider: str) -> None:
    stream = EVERY[provider].stream

    events = streamed(provider, stream[: len(stream) // 2])

    assert events[-1].error is not None
    assert not any(event.is_done for event in events)


@every
def test_what_is_no_json_is_an_error_and_not_a_crash(provider: str) -> None:
    events = streamed(provider, b"data: {broken" + b"\n" * 99)

    assert [502] == [event.error.status for event in events if event.error]


@every
def test_tools_results_and_schemas_go_out(provider: str) -> None:
    messages: list[Any] = [
        {"role": "user", "content": "How is it in Bern?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "a-rainy-day"},
    ]

    _, body = sent(provider, {"messages": messages, "tools": [TOOL], "tool_choice": "required"})

    assert orjson.dumps(SCHEMA).decode() in body
    assert all(word in body for word in ("weather", "Tells it.", "Bern", "a-rainy-day"))


@every
def test_a_json_schema_goes_out(provider: str) -> None:
    asked: JsonObject = {"name": "place", "schema": SCHEMA}

    _, body = sent(provider, {"response_format": {"type": "json_schema", "json_schema": asked}})

    # Bedrock takes a schema as text.
    assert orjson.dumps(SCHEMA).decode() in body.replace('\\"', '"')


@every
@pytest.mark.parametrize("url", ["data:image/png;base64,iVBORw0K", "https://example.com/a.png"])
def test_an_image_goes_out_as_data_or_as_url(provider: str, url: str) -> None:
    part: JsonObject = {"type": "image_url", "image_url": {"url": url}}
    content: list[Any] = [{"type": "text", "text": "What is it?"}, part]
    if provider in NEEDS_DATA and url.startswith("https"):
        with pytest.raises(BadRequest, match="data URL"):
            sent(provider, {"messages": [{"role": "user", "content": content}]})
        return

    _, body = sent(provider, {"messages": [{"role": "user", "content": content}]})

    assert url.rpartition(",")[2] in body


@every
def test_a_system_and_a_developer_message_go_out(provider: str) -> None:
    messages: list[Any] = [
        {"role": "system", "content": "Be brief."},
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "Hello"},
    ]

    _, body = sent(provider, {"messages": messages})

    assert "Be brief." in body
    assert "Be kind." in body


@every
def test_the_limit_on_output_goes_out(provider: str) -> None:
    assert "1234" in sent(provider, {"max_completion_tokens": 1234})[1]
    assert "1234" in sent(provider, {"max_tokens": 1234})[1]


@every
def test_a_rate_limit_is_told_with_its_wait_and_without_secrets(provider: str) -> None:
    failed = spoken(provider).error(429, {"retry-after": "7"}, EVERY[provider].error)

    assert ("Slow down", 429, 7, True) == (
        failed.message,
        failed.status,
        failed.retry_after,
        failed.retryable,
    )


@every
def test_the_usage_costs_its_parts_each_at_its_price(provider: str) -> None:
    usage = EVERY[provider].usage
    rates = Rates(*map(Decimal, ("0.001", "0.01", "0.0001", "0.002", "0.01")))

    fresh = usage.prompt_tokens - usage.cached_tokens - usage.cache_creation_tokens
    expected = fresh * 1_000_000 + 20 * 100_000 + usage.cache_creation_tokens * 2_000_000
    assert expected + 8 * 10_000_000 == cost(Price(rates), usage)


@translated
@pytest.mark.parametrize("param", ["logit_bias", "functions", "prediction"])
def test_what_a_vendor_cannot_do_is_refused_or_left_out_on_request(
    provider: str, param: str
) -> None:
    with pytest.raises(BadRequest) as caught:
        sent(provider, {param: {"1": 1}})
    _, dropped = sent(provider, {param: {"1": 1}}, handling=Handling(drop_params=True))

    assert param == caught.value.param
    assert param not in dropped


@translated
def test_what_changes_nothing_is_never_refused(provider: str) -> None:
    _, body = sent(provider, {"n": 1, "logit_bias": {}, "store": True, "stream_options": None})

    assert "logit_bias" not in body
    assert "store" not in body


@every
def test_every_dialect_answers_a_messages_call(provider: str) -> None:
    asked = call({**HELLO, "max_tokens": 9}, Endpoint.MESSAGES)
    dialect = spoken(provider, Endpoint.MESSAGES)

    request = dialect.request(asked, there(provider))
    reply = dialect.reply(asked, EVERY[provider].reply)

    message = anthropic.types.Message.model_validate({**reply.body, "model": "fast"})
    assert b"Hello" in request.body
    assert ("tool_use", ["text", "tool_use"], 8) == (
        message.stop_reason,
        [block.type for block in message.content],
        message.usage.output_tokens,
    )


@every
def test_every_dialects_stream_is_anthropics_to_a_messages_call(provider: str) -> None:
    events = streamed(provider, EVERY[provider].stream, endpoint=Endpoint.MESSAGES)

    told: list[Any] = [
        event.data for event in events if event.data and event.data["type"] != "ping"
    ]
    kinds = [event["type"] for event in told]
    assert ("message_start", ["message_delta", "message_stop"]) == (kinds[0], kinds[-2:])
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 2
    deltas = [event["delta"] for event in told if event["type"] == "content_block_delta"]
    assert "Hello €" == "".join(d.get("text", "") for d in deltas)
    assert ARGUMENTS == "".join(d.get("partial_json", "") for d in deltas)
    assert EVERY[provider].usage == [e.usage for e in events if e.usage][-1]
