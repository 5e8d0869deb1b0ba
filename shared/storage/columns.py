"""How the domain's numbers are kept in columns: dollars to the nanodollar, moments to the ms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import floor
from typing import Final, overload

from shared.domain import Millis, Nanodollars

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_MOST: Final = 2**63 - 1
_MOST_DOLLARS: Final = Decimal(_MOST).scaleb(-9)


@overload
def nanodollars(dollars: Decimal) -> Nanodollars: ...
@overload
def nanodollars(dollars: Decimal | None) -> Nanodollars | None: ...
def nanodollars(dollars: Decimal | None) -> Nanodollars | None:
    """Read a money column, to the nanodollar; Redis counts no further than 9 billion dollars."""
    if dollars is None:
        return None
    return Nanodollars(floor(dollars.scaleb(9)) if dollars < _MOST_DOLLARS else _MOST)


def dollars(nanodollars: int) -> Decimal:
    """Write a money column, exactly."""
    return Decimal(nanodollars).scaleb(-9)


@overload
def millis(moment: datetime) -> Millis: ...
@overload
def millis(moment: datetime | None) -> Millis | None: ...
def millis(moment: datetime | None) -> Millis | None:
    """Read a moment; parts of a millisecond are dropped."""
    return None if moment is None else Millis((moment - _EPOCH) // _MILLISECOND)


def moment(millis: int) -> datetime:
    """Write a moment, exactly."""
    return _EPOCH + millis * _MILLISECOND
