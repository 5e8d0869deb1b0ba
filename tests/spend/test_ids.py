"""Ids of ledger rows: UUIDv7 of their millisecond, and one correction for each."""

from __future__ import annotations

from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Millis
from shared.spend.ids import correction_id, millis_of, uuid7

moments = st.integers(0, 2**48 - 1).map(Millis)


@given(moments)
def test_an_id_is_a_uuid_of_version_7_and_says_when(now: Millis) -> None:
    made = UUID(uuid7(now))

    assert (7, RFC_4122) == (made.version, made.variant)
    assert now == millis_of(str(made))


@given(moments, moments)
def test_ids_sort_by_their_millisecond(first: Millis, second: Millis) -> None:
    assert (first < second) == (uuid7(first) < uuid7(second)) or first == second


@given(moments)
def test_the_correction_of_a_call_is_always_the_same_and_never_the_call(now: Millis) -> None:
    call = uuid7(now)
    correction = UUID(correction_id(call))

    assert correction_id(call) == str(correction) != call
    assert (7, RFC_4122) == (correction.version, correction.variant)
    assert now == millis_of(str(correction))
    assert correction_id(call) != correction_id(uuid7(now))


def test_ids_never_come_twice() -> None:
    assert 10_000 == len({uuid7(Millis(1)) for _ in range(10_000)})
