from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Millis
from shared.errors import BadRequest
from shared.limits.periods import Period, expires_at, first_reset, parse_duration, period

if TYPE_CHECKING:
    from collections.abc import Callable

CALENDAR = ["1d", "7d", "1w", "30d", "1mo", "hourly", "daily", "weekly", "monthly"]
CLOCK = ["1h", "5h", "6h", "12h", "24h", "60m", "15m", "7m", "30s", "7s", "3600s"]
ANCHORED = ["2d", "10d", "31d", "2w", "25h", "48h", "168h", "90m", "61s", "90d"]
ZONES = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Kathmandu",
    "Pacific/Chatham",
]
# Every moment of some years with their clock changes, and the hours of those changes more often.
CHANGES = [
    "2024-03-31T01:00+00:00",
    "2024-10-27T01:00+00:00",
    "2024-03-10T07:00+00:00",
    "2024-11-03T06:00+00:00",
    "2024-04-06T15:00+00:00",
    "2024-10-05T15:30+00:00",
    "2024-04-25T22:00+00:00",
    "2024-10-31T21:00+00:00",
    "2024-02-29T23:59+00:00",
    "2024-12-31T23:59+00:00",
]


def at(text: str) -> Millis:
    return Millis(int(datetime.fromisoformat(text).timestamp() * 1_000))


def berlin(text: str) -> Millis:
    moment = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))
    return Millis(int(moment.timestamp() * 1_000))


durations = st.sampled_from(CALENDAR + CLOCK + ANCHORED)
zones = st.sampled_from(ZONES)
reset_times = st.sampled_from(["00:00", "02:30", "06:00", "23:45:30"])
moments = st.integers(at("2023-01-01T00:00Z"), at("2027-01-01T00:00Z")) | st.builds(
    lambda change, offset: at(change) + offset,
    st.sampled_from(CHANGES),
    st.integers(-7_200_000, 7_200_000),
)
waits = st.integers(0, 3_600_000) | st.integers(0, 90 * 86_400_000)


@st.composite
def rows(draw: Callable[..., int]) -> tuple[Millis, Millis]:
    started_at = draw(moments)
    return Millis(started_at), Millis(started_at + 1 + draw(waits))


@given(durations, moments, zones, reset_times)
def test_the_first_reset_lies_in_the_future_and_not_a_whole_duration_late(
    duration: str, now: int, zone: str, reset_time: str
) -> None:
    reset = first_reset(duration, Millis(now), timezone=zone, reset_time=reset_time)

    longest = max(expires_at(duration, Millis(now)) - now, 31 * 86_400_000)
    assert 0 < reset - now <= longest + 3 * 3_600_000


@given(durations, rows(), waits, zones, reset_times)
def test_now_lies_in_its_period(
    duration: str, row: tuple[Millis, Millis], wait: int, zone: str, reset_time: str
) -> None:
    started_at, reset_at = row
    now = Millis(started_at + wait)

    found = period(duration, started_at, reset_at, now, timezone=zone, reset_time=reset_time)

    assert found.until is not None
    assert started_at <= found.since <= now < found.until


@given(durations, rows(), waits, waits, zones, reset_times)
def test_a_job_that_ran_in_between_changes_no_later_answer(
    duration: str,
    row: tuple[Millis, Millis],
    wait: int,
    longer: int,
    zone: str,
    reset_time: str,
) -> None:
    started_at, reset_at = row
    ran_at, now = Millis(reset_at + wait), Millis(reset_at + wait + longer)

    booked = period(duration, started_at, reset_at, ran_at, timezone=zone, reset_time=reset_time)
    after = period(duration, booked.since, booked.until, now, timezone=zone, reset_time=reset_time)

    untouched = period(duration, started_at, reset_at, now, timezone=zone, reset_time=reset_time)
    assert untouched == after


@given(durations, rows(), waits, waits, zones, reset_times)
def test_periods_follow_each_other_without_gap_or_overlap(
    duration: str,
    row: tuple[Millis, Millis],
    wait: int,
    longer: int,
    zone: str,
    reset_time: str,
) -> None:
    started_at, reset_at = row
    now, later = Millis(started_at + wait), Millis(started_at + wait + longer)

    one = period(duration, started_at, reset_at, now, timezone=zone, reset_time=reset_time)
    two = period(duration, started_at, reset_at, later, timezone=zone, reset_time=reset_time)

    assert one.until is not None
    assert one == two or one.until <= two.since


@given(durations, rows(), waits, zones, reset_times)
def test_the_end_of_a_period_is_where_the_next_one_starts(
    duration: str, row: tuple[Millis, Millis], wait: int, zone: str, reset_time: str
) -> None:
    started_at, reset_at = row
    one = period(
        duration,
        started_at,
        reset_at,
        Millis(started_at + wait),
        timezone=zone,
        reset_time=reset_time,
    )
    assert one.until is not None

    two = period(duration, started_at, reset_at, one.until, timezone=zone, reset_time=reset_time)

    assert one.until == two.since


@given(durations, moments, waits)
def test_a_spend_set_by_hand_after_an_unbooked_reset_starts_the_period_itself(
    duration: str, reset_at: int, wait: int
) -> None:
    set_at = Millis(reset_at + wait)

    found = period(duration, set_at, Millis(reset_at), set_at)

    assert set_at == found.since


@pytest.mark.parametrize(
    ("duration", "now", "reset"),
    [
        ("1d", "2026-01-15T10:20:30Z", "2026-01-16T00:00Z"),
        ("1d", "2026-01-15T00:00:00Z", "2026-01-16T00:00Z"),
        ("daily", "2026-01-15T10:20:30Z", "2026-01-16T00:00Z"),
        ("24h", "2026-01-15T10:20:30Z", "2026-01-16T00:00Z"),
        ("7d", "2026-01-15T10:20:30Z", "2026-01-19T00:00Z"),
        ("7d", "2026-01-19T00:00:00Z", "2026-01-26T00:00Z"),
        ("1w", "2026-01-18T23:59:59Z", "2026-01-19T00:00Z"),
        ("weekly", "2026-01-15T10:20:30Z", "2026-01-19T00:00Z"),
        ("30d", "2026-01-31T10:20:30Z", "2026-02-01T00:00Z"),
        ("1mo", "2026-12-15T10:20:30Z", "2027-01-01T00:00Z"),
        ("monthly", "2028-02-29T10:20:30Z", "2028-03-01T00:00Z"),
        ("10d", "2026-01-15T10:20:30Z", "2026-01-25T00:00Z"),
        ("2w", "2026-01-15T10:20:30Z", "2026-01-29T00:00Z"),
        ("1h", "2026-01-15T10:20:30Z", "2026-01-15T11:00Z"),
        ("hourly", "2026-01-15T10:00:00Z", "2026-01-15T11:00Z"),
        ("6h", "2026-01-15T10:20:30Z", "2026-01-15T12:00Z"),
        ("5h", "2026-01-15T22:20:30Z", "2026-01-16T00:00Z"),
        ("36h", "2026-01-15T10:20:30Z", "2026-01-16T12:00Z"),
        ("15m", "2026-01-15T10:20:30Z", "2026-01-15T10:30Z"),
        ("7m", "2026-01-15T10:58:30Z", "2026-01-15T11:00Z"),
        ("90m", "2026-01-15T10:20:30Z", "2026-01-15T11:30Z"),
        ("30s", "2026-01-15T10:20:30Z", "2026-01-15T10:21Z"),
        ("3600s", "2026-01-15T10:20:30Z", "2026-01-15T11:00Z"),
    ],
)
def test_the_first_reset_follows_litellms_calendar(duration: str, now: str, reset: str) -> None:
    assert at(reset) == first_reset(duration, at(now))


@pytest.mark.parametrize(
    ("duration", "now", "reset"),
    [
        ("1d", "2026-01-15T05:59", "2026-01-15T06:00"),
        ("1d", "2026-01-15T06:00", "2026-01-16T06:00"),
        ("7d", "2026-01-19T05:59", "2026-01-19T06:00"),
        ("1mo", "2026-02-01T05:59", "2026-02-01T06:00"),
        ("1mo", "2026-02-01T06:00", "2026-03-01T06:00"),
        ("1d", "2026-03-28T12:00", "2026-03-29T06:00"),
        ("1d", "2026-10-24T12:00", "2026-10-25T06:00"),
    ],
)
def test_days_begin_at_the_reset_time_on_the_local_clock(
    duration: str, now: str, reset: str
) -> None:
    assert berlin(reset) == first_reset(
        duration, berlin(now), timezone="Europe/Berlin", reset_time="06:00"
    )


@pytest.mark.parametrize(("night", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_with_a_clock_change_is_one_period(night: str, hours: int) -> None:
    start = berlin(f"{night}T00:00")

    found = period("1d", start, start, Millis(start + 3_600_000), timezone="Europe/Berlin")

    assert Period(start, Millis(start + hours * 3_600_000)) == found


def test_a_midnight_that_the_clock_skips_is_the_moment_after_it() -> None:
    assert at("2024-04-25T22:00Z") == first_reset(
        "1d", at("2024-04-25T12:00Z"), timezone="Africa/Cairo"
    )


@pytest.mark.parametrize(
    ("now", "since", "until"),
    [
        # The clock skips 02:30: at 03:10 it has not come yet; it is 03:30 when it comes.
        ("2026-03-29T01:10Z", "2026-03-28T01:30Z", "2026-03-29T01:30Z"),
        # It shows 02:30 twice: the first one counts, also while it shows 02:10 again.
        ("2026-10-25T01:10Z", "2026-10-25T00:30Z", "2026-10-26T01:30Z"),
    ],
)
def test_a_reset_time_that_the_clock_skips_or_repeats_comes_once(
    now: str, since: str, until: str
) -> None:
    found = period(
        "1d", Millis(0), Millis(1), at(now), timezone="Europe/Berlin", reset_time="02:30"
    )

    assert Period(at(since), at(until)) == found


def test_missed_periods_collapse_into_the_current_one() -> None:
    found = period("1d", at("2026-01-01T08:00Z"), at("2026-01-02T00:00Z"), at("2026-03-15T12:00Z"))

    assert Period(at("2026-03-15T00:00Z"), at("2026-03-16T00:00Z")) == found


def test_other_day_counts_go_on_from_the_last_reset() -> None:
    found = period("10d", at("2026-01-01T08:00Z"), at("2026-01-11T00:00Z"), at("2026-02-02T12:00Z"))

    assert Period(at("2026-01-31T00:00Z"), at("2026-02-10T00:00Z")) == found


def test_a_period_lasts_until_its_reset_however_the_duration_was_changed() -> None:
    started_at, reset_at = at("2026-01-01T08:00Z"), at("2026-02-01T00:00Z")

    assert Period(started_at, reset_at) == period("1h", started_at, reset_at, at("2026-01-20T00Z"))


@pytest.mark.parametrize(("duration", "reset_at"), [(None, 5), ("1d", None), (None, None)])
def test_without_a_duration_or_a_reset_a_budget_never_starts_afresh(
    duration: str | None, reset_at: Millis | None
) -> None:
    assert Period(Millis(3), None) == period(duration, Millis(3), reset_at, Millis(10**13))


@pytest.mark.parametrize(
    "text",
    [
        *["", "0s", "0mo", "-1d", "1", "d", "1.5h", "1y", " 1d", "1d ", "1D", "1d\n", "1 d"],
        *["\u0661d", "1d1h", "None", "999999999d", "1201mo", "9" * 5_000 + "d", "Daily", "nan"],
    ],
)
def test_what_is_no_duration_is_a_bad_request(text: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        parse_duration(text)

    assert "budget_duration" == refusal.value.param


@given(st.text())
def test_any_text_is_a_duration_or_a_bad_request(text: str) -> None:
    try:
        outcome = first_reset(text, at("2026-01-01T00:00Z"))
    except BadRequest:
        outcome = 1

    assert outcome > 0


def test_a_budget_cannot_reset_every_second_month() -> None:
    with pytest.raises(BadRequest, match="1mo"):
        first_reset("2mo", at("2026-01-01T00:00Z"))


@pytest.mark.parametrize(
    ("duration", "expires"),
    [
        ("30s", "2026-01-31T10:20:31Z"),
        ("1d", "2026-02-01T10:20:01Z"),
        ("1w", "2026-02-07T10:20:01Z"),
        ("1mo", "2026-02-28T10:20:01Z"),
        ("25mo", "2028-02-29T10:20:01Z"),
    ],
)
def test_an_expiry_is_exact(duration: str, expires: str) -> None:
    assert at(expires) == expires_at(duration, at("2026-01-31T10:20:01Z"))


@pytest.mark.parametrize(
    ("timezone", "reset_time"),
    [
        *[("Mars/Olympus", "00:00"), ("../etc/passwd", "00:00"), ("", "00:00"), ("\0", "00:00")],
        *[("UTC", "25:00"), ("UTC", "noon"), ("UTC", "")],
    ],
)
def test_a_wrong_setting_is_a_sentence_not_a_crash(timezone: str, reset_time: str) -> None:
    with pytest.raises(BadRequest):
        first_reset("1d", at("2026-01-01T00:00Z"), timezone=timezone, reset_time=reset_time)


def test_utc_needs_no_timezone_database() -> None:
    script = (
        "import sys; from shared.limits.periods import period; period('1d', 0, 1, 10**12);"
        "sys.exit('zoneinfo' in sys.modules)"
    )

    done = subprocess.run([sys.executable, "-c", script], check=False)

    assert 0 == done.returncode


def test_a_century_of_missed_seconds_is_answered_at_once() -> None:
    now = at("2026-01-01T00:00:07.5Z")

    found = period("7s", Millis(0), Millis(1), now)

    assert Period(Millis(now - 500), Millis(now + 6_500)) == found
