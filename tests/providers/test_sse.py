from __future__ import annotations

import itertools

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.providers.sse import LineTooLong, SseEvent, SseParser

LINE_ENDS = st.sampled_from([b"\n", b"\r", b"\r\n"])
LINES = st.sampled_from(
    [
        b"data: a",
        b"data:b",
        b"data",
        b"data:",
        b"data: {}",
        b"event: error",
        b"event:x",
        b": ping",
        b"",
        b"",
        b"",
        b"id: 1",
        b"retry: 5",
        b"nonsense",
        b"data: \xe2\x82\xac",
        b"data: \xff",
    ]
)
STREAMS = st.tuples(
    st.sampled_from([b"", b"\xef\xbb\xbf"]), st.lists(st.tuples(LINES, LINE_ENDS), max_size=20)
).map(lambda parts: parts[0] + b"".join(line + end for line, end in parts[1]))
RAW = st.text(alphabet="d:at \r\n\ufeffe", max_size=60).map(str.encode)


def parsed(stream: bytes, cuts: list[int], cap: int = 1000) -> tuple[list[SseEvent], bool]:
    parser, events = SseParser(max_line_bytes=cap), list[SseEvent]()
    marks = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    try:
        for start, end in itertools.pairwise(marks):
            parser.feed(stream[start:end], events)
    except LineTooLong:
        return events, True
    return events, False


def simply_parsed(stream: bytes) -> list[SseEvent]:
    """The specification, for a whole stream at once."""
    text = stream.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    *lines, _unfinished = text.split(b"\n")
    events, data, name = list[SseEvent](), list[bytes](), b""
    for line in lines:
        field, _, value = line.partition(b":")
        value = value[1:] if value[:1] == b" " else value
        if line == b"":
            if data:
                events.append(SseEvent(b"\n".join(data), name.decode("utf-8", "replace")))
            data, name = [], b""
        elif field == b"data":
            data.append(value)
        elif field == b"event":
            name = value
    return events


@given(STREAMS | RAW, st.lists(st.integers(0, 500), max_size=30))
@example(b"data: a\r\n\r\ndata: b\r\n\r\n", list(range(30)))
def test_any_cut_of_the_bytes_gives_what_the_specification_says(
    stream: bytes, cuts: list[int]
) -> None:
    assert (simply_parsed(stream), False) == parsed(stream, cuts)


@given(STREAMS | RAW, st.lists(st.integers(0, 500), max_size=30), st.integers(0, 8))
def test_any_cut_of_the_bytes_meets_the_cap_at_the_same_event(
    stream: bytes, cuts: list[int], cap: int
) -> None:
    assert parsed(stream, [], cap) == parsed(stream, cuts, cap)


def test_an_event_is_there_as_soon_as_its_blank_line_has_begun() -> None:
    events: list[SseEvent] = []

    SseParser().feed(b"data: a\r\n\r", events)

    assert [SseEvent(b"a")] == events


@pytest.mark.parametrize("many", [b"x" * 101, b"data: " + b"x" * 95])
def test_a_line_over_the_cap_ends_the_stream(many: bytes) -> None:
    assert ([SseEvent(b"a")], True) == parsed(b"data: a\n\n" + many, [], cap=100)


def test_many_small_lines_of_one_event_meet_the_cap_too() -> None:
    assert ([], True) == parsed(b"data: xxxxxxxxxx\n" * 20, [], cap=100)


def test_a_long_line_in_small_pieces_takes_linear_time() -> None:
    parser, events = SseParser(), list[SseEvent]()

    for _ in range(100_000):
        parser.feed(b"0123456789", events)
    parser.feed(b"\n\n", events)

    assert [] == events
