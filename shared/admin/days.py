"""Days as callers write them. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from shared.errors import BadRequest
from shared.storage.columns import moment

if TYPE_CHECKING:
    from shared.domain import Millis

DAYS_AT_MOST: Final = 3_660
USUAL_DAYS: Final = 30


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


def _day(text: str, name: str) -> date:
    try:
        return datetime.fromisoformat(text).date()
    except ValueError as error:
        raise BadRequest(f"{name} must be a date: YYYY-MM-DD.", param=name) from error
