from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from local.door.resp import ErrorReply, Reader, Status, Value

WIRE = (
    b"+OK\r\n:-7\r\n$3\r\na\r\n\r\n$-1\r\n*-1\r\n*0\r\n$0\r\n\r\n"
    b"*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*1\r\n-ERR in it\r\n$2\r\nyz\r\n-ERR no\r\n"
)
VALUES: list[Value] = [
    Status("OK"),
    -7,
    b"a\r\n",
    None,
    None,
    [],
    b"",
    [1, [b"x", [ErrorReply("ERR in it")]], b"yz"],
    ErrorReply("ERR no"),
]


def test_every_kind_of_reply_is_read() -> None:
    assert VALUES == Reader().feed(WIRE)


@given(st.lists(st.integers(0, len(WIRE)), max_size=12).map(sorted))
def test_any_split_of_the_bytes_gives_the_same_replies(cuts: list[int]) -> None:
    reader = Reader()
    ends = [*cuts, len(WIRE)]
    starts = [0, *cuts]

    replies = [
        reply
        for start, end in zip(starts, ends, strict=True)
        for reply in reader.feed(WIRE[start:end])
    ]

    assert VALUES == replies
