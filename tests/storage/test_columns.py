"""Money and moments survive the way into columns and back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.storage.columns import dollars, millis, moment, nanodollars


@given(st.integers(min_value=-(2**62), max_value=2**63 - 1))
def test_money_comes_back_to_the_nanodollar(amount: int) -> None:
    assert amount == nanodollars(dollars(amount))


@given(st.integers(min_value=0, max_value=253_402_300_799_999))
def test_moments_come_back_to_the_millisecond(ms: int) -> None:
    assert ms == millis(moment(ms))


@pytest.mark.parametrize(
    ("column", "amount"),
    [("0.9999999999", 999_999_999), ("9223372036.854775808", 2**63 - 1), ("1e28", 2**63 - 1)],
)
def test_money_is_read_downwards_and_no_further_than_redis_counts(column: str, amount: int) -> None:
    assert amount == nanodollars(Decimal(column))


def test_parts_of_a_millisecond_are_dropped() -> None:
    assert 1_999 == millis(datetime(1970, 1, 1, 0, 0, 1, 999_999, tzinfo=UTC))


def test_what_is_not_there_stays_away() -> None:
    assert (None, None) == (nanodollars(None), millis(None))
