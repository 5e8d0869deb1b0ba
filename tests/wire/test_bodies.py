from __future__ import annotations

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import BadRequest
from shared.wire.bodies import MAX_DEPTH, parse_object

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=20,
)


def outcome(raw: bytes) -> object:
    try:
        return parse_object(raw)
    except BadRequest as error:
        return error


def nested(levels: int) -> bytes:
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@given(st.dictionaries(text, values, max_size=5))
def test_every_clean_object_is_read_as_it_was_written(body: dict[str, object]) -> None:
    assert body == parse_object(orjson.dumps(body))


@given(st.binary(max_size=200) | st.text(max_size=100).map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes_give_an_object_or_a_bad_request(raw: bytes) -> None:
    assert isinstance(outcome(raw), dict | BadRequest)


@given(st.dictionaries(text, values, max_size=5), st.integers(0, 200), st.binary(max_size=3))
def test_any_damage_to_a_body_gives_an_object_or_a_bad_request(
    body: dict[str, object], at: int, junk: bytes
) -> None:
    raw = orjson.dumps(body)
    damaged = raw[:at] + junk + raw[at + 1 :]

    assert isinstance(outcome(damaged), dict | BadRequest)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"{",
        b"[]",
        b'"text"',
        b"null",
        b"1",
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e309}',
        b'{"a": -1e309}',
        b'{"a": ' + b"1" * 400 + b"}",
        b'{"a": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"a": [1, [], {"b": ["x\\u0000y"]}]}',
        b'{"a": "\x00"}',
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00 \\ud800"}',
        b'{"\\ud800": 1}',
        b'{"a": "\xed\xa0\x80"}',
        b'{"a": "\xff"}',
        b'\xef\xbb\xbf{"a": 1}',
        b'{"a": 1} {"b": 2}',
        b"{'a': 1}",
        b'{"a": 01}',
        b'{"a": 1,}',
        nested(MAX_DEPTH + 1),
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_what_is_not_clean_json_is_refused_with_the_param_named(raw: bytes) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse_object(raw)

    assert (400, "request_body") == (refusal.value.status, refusal.value.param)


def test_the_deepest_allowed_body_is_read() -> None:
    assert "a" in parse_object(nested(MAX_DEPTH))


def test_many_shallow_objects_are_not_taken_for_depth() -> None:
    body = {"messages": [{"role": "user", "content": [{"type": "text"}]}] * 1_000}

    assert body == parse_object(orjson.dumps(body))


def test_an_escaped_backslash_before_u0000_is_ordinary_text() -> None:
    assert {"a": "\\u0000"} == parse_object(b'{"a": "\\\\u0000"}')


def test_the_last_of_duplicate_keys_wins() -> None:
    assert {"a": 2} == parse_object(b'{"a": 1, "a": 2}')


def test_a_refusal_does_not_quote_the_body() -> None:
    with pytest.raises(BadRequest) as refusal:
        parse_object(json.dumps({"secret": "swordfish"}).encode() + b"}")

    assert "swordfish" not in refusal.value.message
