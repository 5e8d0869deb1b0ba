"""The Responses API by way of chat completions, checked with OpenAI's own types."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from shared.errors import BadRequest
from shared.providers.responses.asking import chat_body
from tests.providers.calls import decoded, delta, deployment, last_delta, sse
from tests.providers.responses import BRIDGE, CODEX, response_call, shown

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

USAGE: JsonObject = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


def chat_answer(message: JsonObject, finish_reason: str = "stop") -> bytes:
    choice: Json = {"index": 0, "message": message, "finish_reason": finish_reason}
    return orjson.dumps({"id": "chatcmpl-1", "choices": [choice], "usage": USAGE})


def tool_delta(index: int, arguments: str, **more: Json) -> JsonObject:
    function: JsonObject = {"arguments": arguments}
    if name := more.pop("name", None):
        function["name"] = name
    call: Json = {"index": index, "function": function, **more}
    choice: Json = {"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}
    return {"id": "chatcmpl-1", "choices": [choice]}


MIXED = sse(
    delta(None, choices=[{"index": 0, "delta": {"reasoning_content": "Hm."}}]),
    delta("Hel"),
    delta("lo"),
    tool_delta(0, '{"a"', id="call_1", name="exec"),
    tool_delta(0, ":1}"),
    tool_delta(1, '{"input":"patch"}', id="call_2", name="apply_patch"),
    tool_delta(2, "{}", id="call_3", name="git__log"),
    last_delta(),
    {"id": "chatcmpl-1", "choices": [], "usage": USAGE},
)


def test_codex_tools_become_functions_and_web_search_is_left_out() -> None:
    sent = orjson.loads(BRIDGE.request(response_call(CODEX), deployment()).body)

    names = [tool["function"]["name"] for tool in sent["tools"]]
    assert ["exec", "git__log", "apply_patch"] == names
    assert ["system", "user"] == [message["role"] for message in sent["messages"]]
    assert "low" == sent["reasoning_effort"]
    assert not {"store", "include", "prompt_cache_key", "client_metadata", "input"} & sent.keys()


def test_metadata_is_told_again_and_not_sent() -> None:
    asked = response_call({"model": "gpt", "input": "Hi", "metadata": {"topic": "cats"}})

    sent = orjson.loads(BRIDGE.request(asked, deployment()).body)
    reply = BRIDGE.reply(asked, chat_answer({"content": "Hi"}, "stop"))

    assert "metadata" not in sent
    assert {"topic": "cats"} == reply.body["metadata"]


def test_calls_and_their_outputs_follow_the_assistants_turn() -> None:
    chat = chat_body(
        {
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": "Go"},
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
                {"type": "custom_tool_call", "call_id": "c2", "name": "g", "input": "raw"},
                {"type": "function_call_output", "call_id": "c1", "output": "1"},
                {"type": "custom_tool_call_output", "call_id": "c2", "output": "2"},
            ],
        }
    )

    roles = [message["role"] for message in as_list(chat["messages"])]
    assert ["system", "user", "assistant", "tool", "tool"] == roles
    calls = as_list(chat["messages"])[2]["tool_calls"]
    assert ["{}", '{"input":"raw"}'] == [each["function"]["arguments"] for each in calls]


def test_images_files_and_formats_are_kept() -> None:
    content: Json = [
        {"type": "input_text", "text": "What?"},
        {"type": "input_image", "image_url": "https://x/y.png", "detail": "low"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"},
    ]
    schema: Json = {"type": "json_schema", "name": "n", "schema": {"type": "object"}}

    chat = chat_body({"input": [{"role": "user", "content": content}], "text": {"format": schema}})

    parts = as_list(chat["messages"])[0]["content"]
    assert ["text", "image_url", "file"] == [part["type"] for part in parts]
    expected = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
    assert expected == chat["response_format"]


@pytest.mark.parametrize(
    "body",
    [
        {"input": "x", "tools": [{"type": "file_search", "vector_store_ids": ["v"]}]},
        {"input": "x", "previous_response_id": "resp_1"},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
        {"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]},
        {"input": "x", "tool_choice": {"type": "file_search"}},
        {},
    ],
)
def test_what_chat_cannot_say_is_refused(body: JsonObject) -> None:
    with pytest.raises(BadRequest):
        chat_body(body)


def test_a_whole_answer_is_a_response_of_openais_type() -> None:
    call: Json = {
        "id": "c1",
        "type": "function",
        "function": {"name": "git__log", "arguments": "{}"},
    }
    message: JsonObject = {"role": "assistant", "content": "Hi", "tool_calls": [call]}

    reply = BRIDGE.reply(response_call(CODEX), chat_answer(message, "tool_calls"))

    response = Response.model_validate(reply.body)
    assert ["message", "function_call"] == [item.type for item in response.output]
    assert "Hi" == response.output_text
    assert ("log", "git") == (reply.body["output"][1]["name"], reply.body["output"][1]["namespace"])  # type: ignore[index]
    assert (7, 5) == (response.usage and response.usage.input_tokens, 5)


def test_an_answer_cut_short_is_incomplete() -> None:
    reply = BRIDGE.reply(response_call(), chat_answer({"content": "Hi"}, "length"))

    assert "incomplete" == reply.body["status"]
    assert {"reason": "max_output_tokens"} == reply.body["incomplete_details"]


def test_a_stream_has_every_event_of_openais_sequence() -> None:
    events = shown(decoded(BRIDGE.decoder(response_call(CODEX)), MIXED))

    for event in events:
        EVENT.validate_python(event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    text = [event["type"] for event in events if event.get("output_index") == 1]
    assert [
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
    ] == text
    output: Any = as_object(events[-1]["response"])["output"]
    kinds = [item["type"] for item in output]
    assert [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
        "function_call",
    ] == kinds
    assert ("Hello", '{"a":1}', "patch") == (
        output[1]["content"][0]["text"],
        output[2]["arguments"],
        output[3]["input"],
    )


def test_the_last_event_is_the_one_that_is_done_and_usage_was_told() -> None:
    events = decoded(BRIDGE.decoder(response_call()), MIXED)

    assert [True] == [event.data is not None for event in events if event.is_done]
    assert events[-1].is_done
    assert 12 == max(event.usage.total_tokens for event in events if event.usage)


@given(st.lists(st.integers(0, len(MIXED)), max_size=6))
def test_any_cut_of_the_stream_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(MIXED)]
    pieces = [MIXED[a:b] for a, b in pairwise(edges)]

    split = shown(decoded(BRIDGE.decoder(response_call(CODEX)), *pieces))

    assert shown(decoded(BRIDGE.decoder(response_call(CODEX)), MIXED)) == split


def test_thinking_blocks_come_back_to_the_model_with_the_next_turn() -> None:
    blocks: Json = [{"type": "thinking", "thinking": "Hm.", "signature": "s"}]
    message: JsonObject = {"content": "Hi", "reasoning_content": "Hm.", "thinking_blocks": blocks}
    reply = BRIDGE.reply(response_call(), chat_answer(message))

    chat = chat_body({"input": [*as_list(reply.body["output"]), {"role": "user", "content": "On"}]})

    assert blocks == as_list(chat["messages"])[0]["thinking_blocks"]


def as_list(value: Json) -> list[Any]:
    assert isinstance(value, list)
    return value


def as_object(value: Json) -> dict[str, Any]:
    assert isinstance(value, dict)
    return value
