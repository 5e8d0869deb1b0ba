from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Endpoint, Json, JsonObject, Usage
from shared.providers.openai import OpenAI
from tests.providers.calls import call, decoded, delta, last_delta, sse

if TYPE_CHECKING:
    from shared.providers.dialect import StreamEvent

USAGE: JsonObject = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
USAGE_CHUNK: JsonObject = {"id": "chatcmpl-1", "choices": [], "usage": USAGE}
WHOLE = sse(
    delta("Hel", usage=None), delta("lo €", usage=None), last_delta(usage=None), USAGE_CHUNK
)
BROKEN = [
    sse(delta("Hello"), done=False) + b"data: {broken\n\n" + sse(delta("more")),
    sse(delta("Hello"), {"error": {"message": "overloaded", "code": 503}}, delta("more")),
    sse(delta("Hello"), done=False) + b"data: " + b"x" * 1_100_000 + b"\n\n",
    sse(delta("Hello"), [1, 2], done=False),
    sse(delta("Hello"), done=False) + b"event: error\ndata: gone\n\n",
    sse(delta("Hello"), done=False),
]


def events_of(stream: bytes, *, wants_usage_chunk: bool = False) -> list[StreamEvent]:
    asked = call(is_stream=True, wants_usage_chunk=wants_usage_chunk)
    return decoded(OpenAI().decoder(asked), stream)


def seen(events: list[StreamEvent]) -> list[object]:
    """Events in a form that compares: errors have no equality of their own."""
    return [(e.data, e.usage, e.text_bytes, e.response_id, e.is_done, str(e.error)) for e in events]


@given(st.sampled_from([WHOLE, *BROKEN]), st.lists(st.integers(0, 1_200_000), max_size=20))
def test_any_cut_of_a_stream_gives_the_same_events(stream: bytes, cuts: list[int]) -> None:
    marks = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    pieces = [stream[a:b] for a, b in itertools.pairwise(marks)]

    cut = decoded(OpenAI().decoder(call(is_stream=True)), *pieces)

    assert seen(events_of(stream)) == seen(cut)


def test_the_usage_chunk_is_not_for_a_caller_who_did_not_ask() -> None:
    events = events_of(WHOLE)

    shown = [event.data for event in events if event.data is not None]
    assert [delta("Hel"), delta("lo €"), last_delta()] == shown
    assert [Usage(9, 4)] == [event.usage for event in events if event.usage]


def test_the_usage_chunk_is_for_a_caller_who_asked() -> None:
    events = events_of(WHOLE, wants_usage_chunk=True)

    assert USAGE_CHUNK == events[-2].data
    assert delta("Hel", usage=None) == events[0].data


def test_text_is_counted_in_bytes() -> None:
    assert [3, 6, 0, 0, 0] == [event.text_bytes for event in events_of(WHOLE)]


def test_tool_calls_and_reasoning_are_text_too() -> None:
    function: JsonObject = {"name": "find", "arguments": '{"a":1}'}
    choice: JsonObject = {
        "delta": {
            "tool_calls": [{"index": 0, "function": function}],
            "reasoning_content": "hm",
            "reasoning": "hm",
            "content": [{"type": "text", "text": "abc"}],
        }
    }

    events = events_of(sse({"choices": [choice]}))

    assert len('find{"a":1}hmabc') == events[0].text_bytes


def test_done_ends_the_stream_whatever_follows() -> None:
    events = events_of(sse(delta("a")) + sse(delta("b")))

    assert (2, True) == (len(events), events[-1].is_done)


def test_usage_in_the_last_content_chunk_is_read_and_taken_out() -> None:
    events = events_of(sse(delta("a"), last_delta(usage=USAGE)))

    assert (last_delta(), Usage(9, 4)) == (events[1].data, events[1].usage)


def test_usage_in_the_last_content_chunk_stays_for_a_caller_who_asked() -> None:
    events = events_of(sse(last_delta(usage=USAGE)), wants_usage_chunk=True)

    assert last_delta(usage=USAGE) == events[0].data


def test_a_stream_without_usage_tells_none() -> None:
    assert [None] * 3 == [e.usage for e in events_of(sse(delta("a"), last_delta()))]


def test_a_chunk_without_choices_and_usage_is_passed_on() -> None:
    azure: JsonObject = {"choices": [], "prompt_filter_results": [{"prompt_index": 0}]}

    assert azure == events_of(sse(azure))[0].data


def test_comments_and_empty_data_are_no_events() -> None:
    assert [] == OpenAI().decoder(call()).feed(b": PROCESSING\n\ndata:\n\ndata:  \n\n")


@pytest.mark.parametrize("broken", BROKEN)
def test_a_stream_that_breaks_gives_its_text_and_then_one_error(broken: bytes) -> None:
    events = events_of(broken)

    assert [delta("Hello"), None] == [event.data for event in events]
    assert events[1].error is not None


def test_an_error_in_a_stream_has_the_status_it_names() -> None:
    error: JsonObject = {"message": "slow down", "code": 429}

    failed = events_of(sse({"error": error}))[0].error

    assert failed is not None
    assert ("slow down", 429, "throttling_error", True) == (
        failed.message,
        failed.status,
        failed.type,
        failed.retryable,
    )


def test_a_stream_may_end_without_done_after_a_finish_reason() -> None:
    events = events_of(sse(delta("a"), last_delta(), done=False))

    assert (None, True) == (events[-1].error, events[-1].is_done)


def test_the_last_event_may_lack_its_blank_line() -> None:
    stream = sse(delta("a"), last_delta(usage=USAGE), done=False).removesuffix(b"\n\n")

    assert Usage(9, 4) == events_of(stream)[1].usage


def test_completions_are_decoded_alike() -> None:
    chunk: JsonObject = {"id": "c", "choices": [{"index": 0, "text": "abc"}]}
    decoder = OpenAI().decoder(call(endpoint=Endpoint.COMPLETION, is_stream=True))

    events = decoded(decoder, sse(chunk))

    assert (chunk, 3, "c") == (events[0].data, events[0].text_bytes, events[0].response_id)


def test_a_chunk_of_nested_lists_is_survived() -> None:
    nested = b'{"choices":[{"delta":{"content":' + b"[" * 500 + b"]" * 500 + b"}}]}"

    events = events_of(b"data: " + nested + b"\n\n")

    assert (orjson.loads(nested), 0) == (events[0].data, events[0].text_bytes)


@pytest.mark.parametrize("choices", [None, {}, "x", [None], [1], [{"delta": None}]])
def test_choices_of_any_kind_are_survived(choices: Json) -> None:
    chunk: JsonObject = {"choices": choices}

    assert chunk == events_of(sse(chunk))[0].data
