"""When a budget starts afresh: LiteLLM's calendar, as pure functions of the time passed in.

Two kinds of durations. Those that divide their calendar unit have boundaries everyone shares:

    1d                  every day, at the reset time
    7d, 1w, weekly      every Monday, at the reset time
    30d, 1mo, monthly   the 1st of every month, at the reset time
    Nh up to 24         multiples of N on the clock of each day; also hourly, daily
    Nm, Ns up to 60     multiples of N within each hour, each minute

All others (10d, 36h, 90m) count from where the last period ended; the first one from the start of
the current day, hour or minute. Either way the boundaries after a given one are fixed, so it does
not matter when, or whether, a job moves a row from one period to the next.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Final

from shared.domain import Millis
from shared.errors import BadRequest

if TYPE_CHECKING:
    from datetime import tzinfo

_WORDS: Final = {"hourly": "1h", "daily": "24h", "weekly": "7d", "monthly": "30d"}
_FORMAT: Final = re.compile(r"([0-9]{1,9})(mo|[smhdw])")
_DAY_MS: Final = 86_400_000
_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": _DAY_MS}
_UNITS_IN_NEXT: Final = {"s": 60, "m": 60, "h": 24}
_LONGEST_MS: Final = 36_525 * _DAY_MS  # a hundred years
_LONGEST_MONTHS: Final = 1_200
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Period:
    """From when a budget counts spend, and when it starts afresh (None: never)."""

    since: Millis
    until: Millis | None


@dataclass(frozen=True, slots=True)
class Duration:
    """A count of seconds, minutes, hours, days or months; weeks are days."""

    count: int
    unit: str

    @property
    def milliseconds(self) -> int:
        """How long it is, for any unit but months."""
        return self.count * _UNIT_MS[self.unit]


def parse_duration(text: str) -> Duration:
    """Read `30s`, `15m`, `12h`, `7d`, `2w`, `1mo` or a word like `daily`.

    Raise BadRequest when it is anything else, not positive, or longer than a hundred years.
    """
    match = _FORMAT.fullmatch(_WORDS.get(text, text))
    if match is None:
        raise BadRequest(
            f"Invalid duration {text[:40]!r}: give a number and a unit (s, m, h, d, w, mo), "
            "for example 30s, 12h, 7d or 1mo.",
            param="budget_duration",
        )
    count, unit = int(match[1]), match[2]
    if unit == "w":
        count, unit = count * 7, "d"
    is_too_long = count * _UNIT_MS.get(unit, 0) > _LONGEST_MS or (
        unit == "mo" and count > _LONGEST_MONTHS
    )
    if count == 0 or is_too_long:
        raise BadRequest(
            f"Invalid duration {text[:40]!r}: it must be more than 0 and at most 100 years.",
            param="budget_duration",
        )
    return Duration(count, unit)


def expires_at(duration: str, now: Millis) -> Millis:
    """Add a duration to a moment exactly, as a key's expiry wants it; months keep the day."""
    parsed = parse_duration(duration)
    if parsed.unit != "mo":
        return Millis(now + parsed.milliseconds)
    start = _EPOCH + timedelta(milliseconds=now)
    months = start.month - 1 + parsed.count
    year, month = start.year + months // 12, months % 12 + 1
    day = min(start.day, monthrange(year, month)[1])
    return _millis(start.replace(year=year, month=month, day=day))


def first_reset(
    duration: str, now: Millis, *, timezone: str = "UTC", reset_time: str = "00:00"
) -> Millis:
    """Tell when a budget that is given this duration now starts afresh for the first time.

    Raise BadRequest for a duration no budget can have.
    """
    rhythm = _rhythm(parse_duration(duration))
    days = _Days(_zone(timezone), _time_of_day(reset_time))
    if rhythm.unit == "anchored days":
        return days.start_of(days.day_of(now) + rhythm.count * _ONE_DAY)
    if rhythm.unit == "anchored":
        return Millis(_floor(rhythm.container_ms, now, days) + rhythm.count)
    return _around(rhythm, now, days)[1]


def period(
    duration: str | None,
    started_at: Millis,
    reset_at: Millis | None,
    now: Millis,
    *,
    timezone: str = "UTC",
    reset_time: str = "00:00",
) -> Period:
    """Give the period that `now` lies in, for a row that may have missed any number of resets.

    Storing the answer as the row's new start and reset changes no later answer. Raise BadRequest
    for a duration no budget can have.
    """
    if duration is None or reset_at is None:
        return Period(started_at, None)
    if now < reset_at:
        return Period(started_at, reset_at)
    since, until = _boundaries(
        _rhythm(parse_duration(duration)),
        reset_at,
        now,
        _Days(_zone(timezone), _time_of_day(reset_time)),
    )
    # A spend set by hand after a reset that no job has booked yet starts later than that reset.
    return Period(Millis(max(since, started_at)), until)


@dataclass(frozen=True, slots=True)
class _Rhythm:
    """How boundaries follow each other: `count` of `unit`; milliseconds when merely anchored."""

    count: int
    unit: str
    container_ms: int = 0


def _rhythm(duration: Duration) -> _Rhythm:
    count, unit = duration.count, duration.unit
    while unit in {"s", "m"} and count % 60 == 0:
        count, unit = count // 60, {"s": "m", "m": "h"}[unit]
    match count, unit:
        case 1, "d":
            return _Rhythm(1, "day")
        case 7, "d":
            return _Rhythm(1, "week")
        case (30, "d") | (1, "mo"):
            return _Rhythm(1, "month")
        case _, "mo":
            raise BadRequest(
                "Invalid duration: a budget can reset every month (1mo), not every few months.",
                param="budget_duration",
            )
        case _, "d":
            return _Rhythm(count, "anchored days")
        case _ if count <= _UNITS_IN_NEXT[unit]:
            return _Rhythm(count, unit)
        case _:
            container_ms = _UNITS_IN_NEXT[unit] * _UNIT_MS[unit]
            return _Rhythm(count * _UNIT_MS[unit], "anchored", container_ms)


def _boundaries(
    rhythm: _Rhythm, reset_at: Millis, now: Millis, days: _Days
) -> tuple[Millis, Millis]:
    """Give the last boundary up to `now` and the next one; `reset_at` itself is the first."""
    if rhythm.unit == "anchored":
        since = now - (now - reset_at) % rhythm.count
        return Millis(since), Millis(since + rhythm.count)
    if rhythm.unit == "anchored days":
        first = days.day_of(reset_at)
        passed = (days.day_of(now) - first).days // rhythm.count
        since = days.start_of(first + passed * rhythm.count * _ONE_DAY) if passed else reset_at
        return since, days.start_of(first + (passed + 1) * rhythm.count * _ONE_DAY)
    since, until = _around(rhythm, now, days)
    return Millis(max(since, reset_at)), until


def _around(rhythm: _Rhythm, now: Millis, days: _Days) -> tuple[Millis, Millis]:
    """Give the shared boundaries before and after a moment; one that is now counts as before."""
    match rhythm.unit:
        case "day":
            first = days.day_of(now)
            after = first + _ONE_DAY
        case "week":
            first = days.day_of(now)
            first -= first.weekday() * _ONE_DAY
            after = first + 7 * _ONE_DAY
        case "month":
            first = days.day_of(now).replace(day=1)
            after = (first + 31 * _ONE_DAY).replace(day=1)
        case "h":
            return _around_on_the_clock(rhythm.count, now, days)
        case _:
            return _around_within(rhythm, now, days)
    return days.start_of(first), days.start_of(after)


def _around_on_the_clock(hours: int, now: Millis, days: _Days) -> tuple[Millis, Millis]:
    midnights = _Days(days.zone)
    today = midnights.day_of(now)
    start, end = midnights.start_of(today), midnights.start_of(today + _ONE_DAY)
    on_the_clock = {
        _millis(datetime.combine(today, time(hour), days.zone)) for hour in range(0, 24, hours)
    }
    boundaries = sorted({start, end, *(at for at in on_the_clock if start < at < end)})
    following = bisect_right(boundaries, now)
    return boundaries[following - 1], boundaries[following]


def _around_within(rhythm: _Rhythm, now: Millis, days: _Days) -> tuple[Millis, Millis]:
    container_ms = _UNITS_IN_NEXT[rhythm.unit] * _UNIT_MS[rhythm.unit]
    step = rhythm.count * _UNIT_MS[rhythm.unit]
    start = _floor(container_ms, now, days)
    since = now - (now - start) % step
    midnights = _Days(days.zone)
    # Where a clock change leaves a day with half an hour at its end, the day's end comes first.
    day_end = midnights.start_of(midnights.day_of(now) + _ONE_DAY)
    return Millis(since), Millis(min(since + step, start + container_ms, day_end))


def _floor(container_ms: int, now: Millis, days: _Days) -> int:
    """Give the start of the current minute, hour or day, counted from local midnight."""
    midnights = _Days(days.zone)
    midnight = midnights.start_of(midnights.day_of(now))
    return midnight if container_ms == _DAY_MS else now - (now - midnight) % container_ms


@dataclass(frozen=True, slots=True)
class _Days:
    """Local days that begin at a time of day, as moments in UTC."""

    zone: tzinfo
    begins: time = time(0)

    def start_of(self, day: date) -> Millis:
        """Give a day's first moment; where the clock skips it, the moment the clock jumps by."""
        return _millis(datetime.combine(day, self.begins, self.zone))

    def day_of(self, at: Millis) -> date:
        """Give the day a moment lies in."""
        local = (_EPOCH + timedelta(milliseconds=at)).astimezone(self.zone)
        day = local.date() if local.time() >= self.begins else local.date() - _ONE_DAY
        # Around a clock change the wall clock may say what is not so yet, or no longer.
        while self.start_of(day) > at:
            day -= _ONE_DAY
        while self.start_of(day + _ONE_DAY) <= at:
            day += _ONE_DAY
        return day


def _millis(moment: datetime) -> Millis:
    return Millis((moment - _EPOCH) // timedelta(milliseconds=1))


def _zone(name: str) -> tzinfo:
    if name == "UTC":
        return UTC
    # Imported only for those who need it: it reads files and costs cold start.
    from zoneinfo import ZoneInfo  # noqa: PLC0415

    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        raise BadRequest(f"Unknown timezone {name[:40]!r}.", param="timezone") from error


def _time_of_day(text: str) -> time:
    try:
        return time.fromisoformat(text).replace(tzinfo=None)
    except ValueError as error:
        raise BadRequest(
            f"Invalid budget_reset_time {text[:40]!r}: give HH:MM, for example 06:00.",
            param="budget_reset_time",
        ) from error
