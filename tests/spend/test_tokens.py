from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Call, Endpoint, Json, JsonObject
from shared.spend.tokens import (
    UNKNOWN_CONTEXT,
    completion_bound,
    completions,
    estimate,
    prompt_bound,
    tokens_of_bytes,
)

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=50)
PARTS = st.fixed_dictionaries({"type": st.just("text"), "text": TEXTS})
MESSAGES = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["system", "user", "assistant", "tool"]),
        "content": TEXTS | st.lists(PARTS, max_size=3) | st.none(),
    },
    optional={"name": TEXTS, "refusal": TEXTS},
)
TOOLS = st.fixed_dictionaries(
    {"type": st.just("function"), "function": st.fixed_dictionaries({"name": TEXTS})}
)
CHATS = st.fixed_dictionaries(
    {"model": TEXTS, "messages": st.lists(MESSAGES, max_size=4)},
    optional={"tools": st.lists(TOOLS, max_size=2), "max_tokens": st.integers(0, 10)},
)
IMAGE: JsonObject = {"type": "image_url", "image_url": {"url": "data:," + "x" * 100_000}}


def call(body: JsonObject, endpoint: Endpoint = Endpoint.CHAT) -> Call:
    return Call(id="0", endpoint=endpoint, model="m", body=body)


def embedding(given_input: Json) -> Call:
    return call({"input": given_input}, Endpoint.EMBEDDING)


def chat(content: Json, **more: Json) -> Call:
    return call({"messages": [{"role": "user", "content": content}], **more})


def every_text(value: Json) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(every_text, value))
    if isinstance(value, dict):
        return "".join(map(every_text, value.values()))
    return ""


@given(CHATS)
def test_a_token_a_byte_with_ten_for_each_message_stays_below_the_bound(body: JsonObject) -> None:
    text = every_text([body["messages"], body.get("tools")])
    messages = body["messages"]
    assert isinstance(messages, list)

    bytewise = len(text.encode()) + 10 * len(messages) + 100

    assert bytewise <= prompt_bound(call(body))


@given(st.lists(TEXTS, max_size=5) | TEXTS | st.lists(st.lists(st.integers(0, 9), min_size=1)))
def test_a_token_a_byte_stays_below_the_bound_of_an_embedding(inputs: Json) -> None:
    tokens = 0
    if isinstance(inputs, list):
        tokens = sum(len(item) for item in inputs if isinstance(item, list))

    assert len(every_text(inputs).encode()) + tokens <= prompt_bound(embedding(inputs))


@given(CHATS)
def test_an_estimate_is_at_least_a_token_and_within_the_bound(body: JsonObject) -> None:
    assert 1 <= estimate(call(body)) <= prompt_bound(call(body))


@given(CHATS, st.integers(1, 10_000))
def test_the_context_window_caps_the_bound(body: JsonObject, context: int) -> None:
    assert prompt_bound(call(body), context) == min(prompt_bound(call(body)), context)


def test_tools_and_schemas_are_read_too() -> None:
    schema: JsonObject = {"type": "json_schema", "json_schema": {"description": "x" * 5000}}

    assert 5000 < prompt_bound(chat("Hi", response_format=schema))
    assert 5000 < prompt_bound(chat("Hi", tools=[{"function": {"description": "x" * 5000}}]))


def test_an_attachment_may_fill_the_context_window() -> None:
    assert 128_000 == prompt_bound(chat([IMAGE]), 128_000)
    assert UNKNOWN_CONTEXT < prompt_bound(chat([IMAGE]))


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file", "something_new"])
def test_the_bytes_of_an_attachment_are_no_text(kind: str) -> None:
    assert estimate(chat([{**IMAGE, "type": kind}])) < 2000


def test_a_past_answer_in_audio_is_an_attachment() -> None:
    spoken: JsonObject = {"role": "assistant", "audio": {"id": "audio_1"}}

    assert 128_000 == prompt_bound(call({"messages": [spoken]}), 128_000)


def test_each_input_of_an_embedding_has_the_context_window_to_itself() -> None:
    inputs: list[Json] = ["x" * 100_000] * 3

    assert 3 * 8191 == prompt_bound(embedding(inputs), 8191)


def test_ready_made_tokens_count_as_they_are() -> None:
    tokens: list[Json] = [123456] * 5000

    assert 5000 <= estimate(embedding(tokens)) < 5100
    assert 5000 <= estimate(embedding([tokens])) < 5100


@pytest.mark.parametrize(
    ("body", "model_has", "bound"),
    [
        ({"max_tokens": 7}, None, 7),
        ({"max_completion_tokens": 7}, None, 7),
        ({"max_tokens": 5, "max_completion_tokens": 7}, None, 7),
        ({"max_tokens": 700}, 500, 500),
        ({"max_tokens": 0}, 500, 0),
        ({"max_tokens": None}, 500, 500),
        ({"max_tokens": True}, 500, 500),
        ({"max_tokens": -1}, None, 0),
        ({}, 500, 500),
        ({}, None, 4096),
        ({"max_tokens": 7, "prediction": "abc"}, None, 12),
    ],
)
def test_a_completion_is_bounded_by_caller_model_or_default(
    body: JsonObject, model_has: int | None, bound: int
) -> None:
    assert bound == completion_bound(call(body), model_has, default=4096)


def test_an_embedding_has_no_completion() -> None:
    assert 0 == completion_bound(embedding("x"), 500, default=4096)
    assert 1 == completions(embedding(["x", "y"]))


@pytest.mark.parametrize(
    ("body", "endpoint", "asked"),
    [
        ({}, Endpoint.CHAT, 1),
        ({"n": 3}, Endpoint.CHAT, 3),
        ({"n": None}, Endpoint.CHAT, 1),
        ({"n": True}, Endpoint.CHAT, 1),
        ({"prompt": "a", "n": 2, "best_of": 5}, Endpoint.COMPLETION, 5),
        ({"prompt": ["a", "b"], "n": 2}, Endpoint.COMPLETION, 4),
        ({"prompt": [1, 2], "n": 2}, Endpoint.COMPLETION, 2),
        ({"prompt": [[1], [2]]}, Endpoint.COMPLETION, 2),
    ],
)
def test_completions_are_counted_for_each_prompt(
    body: JsonObject, endpoint: Endpoint, asked: int
) -> None:
    assert asked == completions(call(body, endpoint))


@given(st.recursive(st.none() | st.booleans() | TEXTS, st.lists, max_leaves=8))
def test_any_messages_prompt_or_input_has_a_bound(value: Json) -> None:
    for endpoint, name in (
        (Endpoint.CHAT, "messages"),
        (Endpoint.COMPLETION, "prompt"),
        (Endpoint.EMBEDDING, "input"),
    ):
        assert len(orjson.dumps(value)) <= prompt_bound(call({name: value}, endpoint)) + 2


def test_bytes_become_tokens_rounded_up() -> None:
    assert [0, 1, 1, 2] == [tokens_of_bytes(count) for count in (0, 1, 4, 5)]
