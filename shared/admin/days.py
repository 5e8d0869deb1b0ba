"""Days as callers write them. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from shared.errors import BadRequest
from shared.storage.columns import moment

if TYPE_CHECKING:
    from shared.domain import Millis

DAYS_AT_MOST: Final = 3_660
USUAL_DAYS: Final = 30
_ONE_DAY: Final = timedelta(days=1)
_ONE_SECOND: Final = timedelta(seconds=1)


def days_between(start: str | None, end: str | None, now: Millis) -> tuple[date, date]:
    """Return the first and the last day; without them the last 30 up to today."""
    today = moment(now).astimezone(UTC).date()
    last = today if end is None else _day(end, "end_date")
    if start is not None:
        first = _day(start, "start_date")
    else:
        first = last - timedelta(days=min(USUAL_DAYS - 1, last.toordinal() - 1))
    if (last - first).days >= DAYS_AT_MOST:
        raise BadRequest(f"Ask for at most {DAYS_AT_MOST} days at once.", param="start_date")
    return first, last


def moments_between(start: str | None, end: str | None, now: Millis) -> tuple[datetime, datetime]:
    """Return the first moment and the first one after; a text without a time is all of its day.

    A second that is named is in it to its end, as a day is.
    """
    first, last = days_between(start, end, now)
    begin = datetime.combine(first, time(), UTC)
    if last < last.max:
        after = datetime.combine(last, time(), UTC) + _ONE_DAY
    else:
        after = datetime.max.replace(tzinfo=UTC)
    if start is not None and _has_time(start):
        begin = _moment(start)
    if end is not None and _has_time(end) and last < last.max:
        after = _moment(end) + _ONE_SECOND
    return begin, after


def _has_time(text: str) -> bool:
    return ":" in text


def _moment(text: str) -> datetime:
    # What has no offset is meant in UTC; what has one was checked by its own day.
    read = datetime.fromisoformat(text)
    return read.replace(tzinfo=UTC) if read.tzinfo is None else read


def _day(text: str, name: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError as error:
        raise BadRequest(f"{name} must be a date: YYYY-MM-DD.", param=name) from error
