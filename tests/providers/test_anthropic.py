"""Anthropic's Messages API asked in OpenAI's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.controls import UNHANDLED
from shared.domain import Endpoint, Json, JsonObject, Usage
from shared.errors import BadRequest
from shared.providers.anthropic.dialect import Anthropic
from shared.providers.anthropic.native import AnthropicMessages
from shared.providers.messages.turns import chat_messages
from shared.providers.unsupported import Unsupported
from tests.providers.anthropic_wire import (
    HAPPENED,
    HELD,
    MESSAGE,
    OVERLOADED,
    REDACTED,
    STREAM,
    TEXT,
    THINKING,
    events,
    message,
)
from tests.providers.calls import HELLO, call, decoded, deployment, said

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.providers.dialect import StreamEvent

LIMITS = Unsupported("anthropic", "fast", UNHANDLED)


def sent(
    body: Mapping[str, Json], model: str = "claude-opus-5", **changed: object
) -> dict[str, Any]:
    to = deployment("anthropic", model=model, **changed)
    return orjson.loads(Anthropic().request(call({**HELLO, **body}), to).body)


def deltas() -> list[dict[str, Any]]:
    """What the chunks of the stream add."""
    chunks: list[Any] = [event.data for event in streamed(STREAM) if event.data]
    return [chunk["choices"][0]["delta"] for chunk in chunks]


def streamed(stream: bytes) -> list[StreamEvent]:
    return decoded(Anthropic().decoder(call(is_stream=True)), stream)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
arguments = st.dictionaries(texts, st.integers(-(2**53), 2**53) | texts | st.none(), max_size=3)
ids = st.from_regex(r"call_[a-zA-Z0-9]{6}", fullmatch=True)
images = st.sampled_from(["https://example.com/a.png", "data:image/png;base64,iVBORw0K"])


@st.composite
def conversations(draw: st.DrawFn) -> list[JsonObject]:
    """Conversations as OpenAI's clients send them: each side in turn, every call answered."""
    found: list[JsonObject] = [said("system", draw(texts))] if draw(st.booleans()) else []
    for _ in range(draw(st.integers(1, 3))):
        content: Json = draw(texts)
        if draw(st.booleans()):
            image: JsonObject = {"type": "image_url", "image_url": {"url": draw(images)}}
            content = [{"type": "text", "text": content}, image]
        found.append(said("user", content))
        if draw(st.booleans()):
            calls: list[JsonObject] = [
                {
                    "id": made,
                    "type": "function",
                    "function": {
                        "name": "look",
                        "arguments": orjson.dumps(draw(arguments)).decode(),
                    },
                }
                for made in draw(st.lists(ids, min_size=1, max_size=3, unique=True))
            ]
            found.append(said("assistant", draw(texts | st.none()), tool_calls=[*calls]))
            found += [said("tool", draw(texts), tool_call_id=made["id"]) for made in calls]
        found.append(said("assistant", draw(texts)))
    return found


@given(conversations())
@settings(max_examples=80)
def test_a_conversation_comes_back_from_anthropics_form_as_it_was(
    conversation: list[JsonObject],
) -> None:
    there = sent({"messages": [*conversation]})

    back = chat_messages(there, LIMITS, is_rich=True)

    assert conversation == back


def test_turns_of_one_side_become_one_and_results_stay_together() -> None:
    calls: list[Json] = [
        {"id": name, "type": "function", "function": {"name": "f", "arguments": ""}}
        for name in ("a", "b")
    ]

    body = sent(
        {
            "messages": [
                said("user", "1"),
                said("assistant", "", tool_calls=calls),
                said("tool", "x", tool_call_id="a"),
                said("tool", "y", tool_call_id="b"),
                said("user", "2"),
            ]
        }
    )

    assert ["user", "assistant", "user"] == [turn["role"] for turn in body["messages"]]
    assert ["tool_result", "tool_result", "text"] == [
        block["type"] for block in body["messages"][2]["content"]
    ]


def test_signed_thinking_goes_back_before_the_text_it_led_to() -> None:
    unsigned: JsonObject = {"type": "thinking", "thinking": "hm", "signature": ""}
    turn = said("assistant", "Hi", thinking_blocks=[THINKING, REDACTED, unsigned])

    body = sent({"messages": [said("user", "Hello"), turn]})

    assert [THINKING, REDACTED, {"type": "text", "text": "Hi"}] == body["messages"][1]["content"]


def test_marks_for_caching_stay_where_they_were_set() -> None:
    part: JsonObject = {"type": "text", "text": "Long", "cache_control": HELD}
    tool: JsonObject = {"type": "function", "function": {"name": "f"}, "cache_control": HELD}

    body = sent(
        {
            "messages": [said("system", [part]), said("user", "Hello", cache_control=HELD)],
            "tools": [tool],
        }
    )

    assert [HELD] * 3 == [
        body["system"][0]["cache_control"],
        body["messages"][0]["content"][0]["cache_control"],
        body["tools"][0]["cache_control"],
    ]


@pytest.mark.parametrize(
    ("file", "source"),
    [
        (
            {"file_data": "data:application/pdf;base64,JVBE", "filename": "a.pdf"},
            {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        ),
        (
            {"file_data": "data:text/plain;base64,SGk="},
            {"type": "text", "media_type": "text/plain", "data": "Hi"},
        ),
        ({"file_id": "https://a.example/b.pdf"}, {"type": "url", "url": "https://a.example/b.pdf"}),
        ({"file_id": "file_011"}, {"type": "file", "file_id": "file_011"}),
    ],
)
def test_a_document_goes_out_as_data_as_text_or_by_its_name(
    file: JsonObject, source: JsonObject
) -> None:
    body = sent({"messages": [said("user", [{"type": "file", "file": file}])]})

    assert source == body["messages"][0]["content"][0]["source"]


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        (None, None, None),
        ("auto", None, {"type": "auto"}),
        ("none", False, {"type": "none"}),
        ("required", None, {"type": "any"}),
        ({"type": "function", "function": {"name": "f"}}, None, {"type": "tool", "name": "f"}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        ("required", False, {"type": "any", "disable_parallel_tool_use": True}),
    ],
)
def test_a_choice_of_tools_is_translated(
    choice: Json, expected: JsonObject | None, *, parallel: bool | None
) -> None:
    tools: list[Json] = [{"type": "function", "function": {"name": "f"}}]

    body = sent({"tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel})

    assert expected == body.get("tool_choice")


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("claude-opus-5", ({"type": "adaptive"}, {"effort": "high"})),
        ("claude-sonnet-4-6", ({"type": "adaptive"}, {"effort": "high"})),
        ("claude-sonnet-4-5-20250929", ({"type": "enabled", "budget_tokens": 4096}, None)),
        ("claude-sonnet-4-20250514", ({"type": "enabled", "budget_tokens": 4096}, None)),
        ("claude-3-7-sonnet-latest", ({"type": "enabled", "budget_tokens": 4096}, None)),
    ],
)
def test_an_effort_is_said_as_the_model_understands_it(
    model: str, expected: tuple[Json, Json]
) -> None:
    body = sent({"reasoning_effort": "high", "max_tokens": 9000}, model)

    assert expected == (body["thinking"], body.get("output_config"))
    assert 9000 == body["max_tokens"]


def test_thinking_never_widens_the_limit_that_was_reserved() -> None:
    with pytest.raises(BadRequest, match="max_tokens=500"):
        sent({"reasoning_effort": "low", "max_tokens": 500}, "claude-sonnet-4-5")


def test_anthropics_own_parameters_may_be_given_to_a_chat() -> None:
    own: JsonObject = {"top_k": 5, "thinking": {"type": "adaptive"}, "context_management": {"a": 1}}

    assert own.items() <= sent(own).items()


@pytest.mark.parametrize("bad", ["{", "[1]", "1"])
def test_arguments_that_are_no_object_are_the_callers_mistake(bad: str) -> None:
    made: JsonObject = {"id": "a", "function": {"name": "f", "arguments": bad}}

    with pytest.raises(BadRequest, match="JSON object"):
        sent({"messages": [said("assistant", None, tool_calls=[made])]})


def test_a_reply_keeps_thinking_citations_and_what_is_new() -> None:
    cited: JsonObject = {**TEXT, "citations": [{"type": "char_location", "cited_text": "x"}]}
    new: JsonObject = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    body = message(THINKING, REDACTED, cited, new)

    reply: Any = Anthropic().reply(call(), orjson.dumps(body)).body

    found = reply["choices"][0]["message"]
    assert ([THINKING, REDACTED], "Hm, Bern.") == (
        found["thinking_blocks"],
        found["reasoning_content"],
    )
    assert {"citations": [cited["citations"]], "content_blocks": [new]} == found[
        "provider_specific_fields"
    ]


@pytest.mark.parametrize(
    ("stop_reason", "finish_reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("refusal", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_why_it_stopped_is_told_in_openais_words(stop_reason: str, finish_reason: str) -> None:
    body = message(stop_reason=stop_reason)

    reply: Any = Anthropic().reply(call(), orjson.dumps(body)).body

    assert finish_reason == reply["choices"][0]["finish_reason"]


def test_a_streams_thinking_comes_with_its_signature() -> None:
    found = deltas()

    blocks = [block for d in found for block in d.get("thinking_blocks", [])]
    assert "Hm, Bern." == "".join(d.get("reasoning_content", "") for d in found)
    assert "c2lnbmVk" == "".join(block.get("signature", "") for block in blocks)
    assert REDACTED in blocks


def test_a_tool_without_arguments_has_an_empty_object() -> None:
    found = deltas()

    second = [c for d in found for c in d.get("tool_calls", []) if c["index"] == 1]
    assert ["", "{}"] == [made["function"]["arguments"] for made in second]


def test_an_error_in_a_stream_is_one_with_its_meaning() -> None:
    found = streamed(events(*HAPPENED[:4], OVERLOADED))

    assert (503, True) == (
        found[-1].error and found[-1].error.status,
        found[-1].error and found[-1].error.retryable,
    )


def test_native_usage_is_read_in_passing() -> None:
    asked = call({**HELLO, "max_tokens": 9}, Endpoint.MESSAGES)

    reply = AnthropicMessages().reply(asked, orjson.dumps(MESSAGE))
    found = decoded(AnthropicMessages().decoder(asked), STREAM)

    expected = Usage(3210, 40, cached_tokens=3000, cache_creation_tokens=200)
    assert (expected, MESSAGE) == (reply.usage, reply.body)
    assert expected == [event.usage for event in found if event.usage][-1]
    assert [*HAPPENED] == [event.data for event in found]


def test_the_betas_of_caller_and_deployment_are_joined() -> None:
    to = deployment("anthropic", extra_headers={"Anthropic-Beta": "b"})
    asked = call({**HELLO, "max_tokens": 9}, Endpoint.MESSAGES)
    object.__setattr__(asked, "headers", {"anthropic-beta": "a", "anthropic-version": "x"})

    headers = AnthropicMessages().request(asked, to).headers

    assert ("a,b", "x") == (headers["anthropic-beta"], headers["anthropic-version"])
