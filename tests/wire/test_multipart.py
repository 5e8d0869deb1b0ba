"""Forms, read and written."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Upload
from shared.errors import BadRequest
from shared.wire.multipart import Form, parse_form, render_form

NAMES = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30)
FILES = st.builds(
    Upload, NAMES, NAMES, st.just("audio/mpeg"), st.binary(max_size=80).map(lambda b: b + b"\r\n--")
)


@given(st.dictionaries(NAMES, TEXTS, max_size=4), st.lists(FILES, max_size=3))
def test_what_was_written_is_read_again(fields: dict[str, str], files: list[Upload]) -> None:
    kind, body = render_form({**fields}, files, "the-boundary-0001")

    assert Form({**fields}, tuple(files)) == parse_form(kind, body)


def test_a_repeated_field_is_a_list() -> None:
    kind, body = render_form({"include[]": ["a", "b"], "n": 2, "x": True}, (), "b")

    assert {"include[]": ["a", "b"], "n": "2", "x": "true"} == parse_form(kind, body).fields


@given(st.binary(max_size=120), st.sampled_from(["multipart/form-data; boundary=b", "text/plain"]))
def test_no_bytes_raise_anything_but_a_refusal(body: bytes, kind: str) -> None:
    for tried in (body, b"--b\r\n" + body + b"\r\n--b--\r\n"):
        with contextlib.suppress(BadRequest):
            parse_form(kind, tried)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx',
        b"--b\r\ncontent-disposition: form-data\r\n\r\nx\r\n--b--",
        b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n\0\r\n--b--',
        b'--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n\xff\r\n--b--',
        b"--b\r\n\r\n\r\n" * 300 + b"--b--",
    ],
)
def test_a_broken_form_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        parse_form("multipart/form-data; boundary=b", body)


def test_a_name_cannot_break_out_of_its_header() -> None:
    upload = Upload('a"\r\nx: y', 'f"\r\n\r\nevil', "t\r\nx: y", b"")

    _, body = render_form({'n"\r\nx: y': "v"}, [upload], "b")

    assert b"\r\nx: y" not in body
    assert b"\r\n\r\nevil" not in body
