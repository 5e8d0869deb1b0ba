"""Whatever callers and vendors send, a dialect answers or refuses: it never breaks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain import Endpoint, Json, JsonObject
from shared.errors import BadRequest, ProviderFailed
from tests.providers.calls import call, decoded, sse
from tests.providers.wires import WIRES, frame, spoken, there

if TYPE_CHECKING:
    from shared.providers.dialect import StreamEvent

DIALECTS = sorted(WIRES.keys() - {"azure_ai", "vertex_ai", "vertex_ai/claude"})
every = pytest.mark.parametrize("provider", DIALECTS)
entrances = pytest.mark.parametrize("endpoint", [Endpoint.CHAT, Endpoint.MESSAGES])
hurried = settings(
    max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

WORDS = [
    *("text", "image_url", "file", "input_audio", "refusal", "function", "tool", "assistant"),
    *("user", "system", "type", "role", "content", "tool_calls", "id", "name", "arguments"),
    *("url", "data", "source", "base64", "image", "document", "tool_use", "tool_result", "input"),
    *("thinking", "signature", "delta", "message", "index", "usage", "candidates", "parts"),
    *("functionCall", "choices", "finish_reason", "stop_reason", "toolUse", "cache_control"),
    *("message_start", "content_block_start", "content_block_delta", "message_delta", "error"),
    *("json_schema", "schema", "strict", "properties", "format", "anyOf", "enum", "required"),
    *("content-delta", "tool-call-start", "message-end", "{}", "[", "data:a/b;base64,AA"),
]
words = st.sampled_from(WORDS)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(words, values, max_size=5)
messages = st.lists(
    st.fixed_dictionaries(
        {"role": words}, optional={"content": words | st.lists(objects, max_size=3)}
    ).flatmap(lambda made: objects.map(lambda more: {**more, **made})),
    min_size=1,
    max_size=4,
)
bodies = st.fixed_dictionaries(
    {"model": st.just("fast"), "messages": messages, "max_tokens": st.integers(0, 9_000)},
    optional={
        "tools": st.lists(objects, max_size=2),
        "tool_choice": words | objects,
        "response_format": objects
        | st.fixed_dictionaries(
            {
                "type": st.just("json_schema"),
                "json_schema": st.fixed_dictionaries({"schema": objects}),
            }
        ),
        "reasoning_effort": words,
        "thinking": objects,
        "output_config": objects,
        "system": words | st.lists(objects, max_size=2),
        "stop": words | st.lists(words, max_size=2),
    },
)


@every
@entrances
@given(body=bodies)
@hurried
def test_any_body_is_translated_or_refused(
    provider: str, endpoint: Endpoint, body: JsonObject
) -> None:
    with contextlib.suppress(BadRequest):
        request = spoken(provider, endpoint).request(call(body, endpoint), there(provider))

        assert isinstance(orjson.loads(request.body), dict)


@every
@entrances
@given(told=objects)
@hurried
def test_any_reply_is_understood_or_a_failure_of_the_provider(
    provider: str, endpoint: Endpoint, told: JsonObject
) -> None:
    known: JsonObject = orjson.loads(WIRES[provider].reply)

    for body in (told, {**known, **told}):
        with contextlib.suppress(ProviderFailed):
            reply = spoken(provider, endpoint).reply(call(endpoint=endpoint), orjson.dumps(body))

            assert isinstance(reply.body, dict)


@every
@entrances
@given(happened=st.lists(objects, max_size=4))
@hurried
def test_any_stream_ends_in_success_or_in_one_failure(
    provider: str, endpoint: Endpoint, happened: list[JsonObject]
) -> None:
    events = streamed(provider, endpoint, happened)

    endings = [event for event in events if event.is_done or event.error]
    assert [events[-1]] == endings


def streamed(provider: str, endpoint: Endpoint, happened: list[JsonObject]) -> list[StreamEvent]:
    asked = call(is_stream=True, endpoint=endpoint)
    sent: list[Json] = [*happened]
    pieces = [frame(str(event.get("type")), event) for event in happened]
    stream = b"".join(pieces) if provider == "bedrock" else sse(*sent, done=False)
    return decoded(spoken(provider, endpoint).decoder(asked), stream)
