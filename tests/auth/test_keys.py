"""Virtual keys: made, presented, hashed and named."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.auth.keys import hash_key, key_name, make_key, masked, presented_key

HEADERS = [
    "x-litellm-api-key",
    "authorization",
    "api-key",
    "x-api-key",
    "x-goog-api-key",
    "ocp-apim-subscription-key",
]


def test_a_new_key_looks_like_litellms_and_never_comes_twice() -> None:
    keys = {make_key() for _ in range(100)}

    assert 100 == len(keys)
    for key in keys:
        assert key.startswith("sk-")
        assert 25 == len(key)


def test_the_hash_is_sha256_of_the_whole_key_in_lower_case_hex() -> None:
    assert hashlib.sha256(b"sk-1234").hexdigest() == hash_key("sk-1234")


@given(st.text(), st.text())
def test_different_keys_have_different_hashes(first: str, second: str) -> None:
    assert (first == second) == (hash_key(first) == hash_key(second))


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("value", ["sk-1", "Bearer sk-1", "bearer sk-1", "BEARER  sk-1 ", " sk-1 "])
def test_a_key_is_read_from_every_header_with_or_without_bearer(header: str, value: str) -> None:
    assert "sk-1" == presented_key({header: value})


@pytest.mark.parametrize(("first", "second"), list(pairwise(HEADERS)))
def test_the_earlier_header_wins(first: str, second: str) -> None:
    assert "sk-1" == presented_key({second: "sk-2", first: "sk-1"})


@pytest.mark.parametrize("value", ["", " ", "Bearer", "Bearer ", "bearer   "])
def test_a_header_without_a_key_presents_an_empty_one(value: str) -> None:
    assert "" == presented_key({"authorization": value})


def test_no_header_presents_nothing() -> None:
    assert presented_key({"content-type": "text/plain"}) is None


def test_another_scheme_is_not_taken_off() -> None:
    assert "Basic c2s=" == presented_key({"authorization": "Basic c2s="})


@given(st.text(min_size=9))
def test_a_name_tells_four_characters_and_a_mask_four(key: str) -> None:
    assert f"sk-...{key[-4:]}" == key_name(key)
    assert f"{key[:2]}****{key[-2:]}" == masked(key)


@given(st.text(max_size=8))
def test_a_mask_of_something_short_tells_nothing(key: str) -> None:
    assert "****" == masked(key)
