"""Minutes, hours and days at once, against a plain oracle: exact over every trailing window.

At hh:00 the minute's window and the hour's are one key: they begin there, and step over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain import Millis, Scope
from shared.limits.windows import DAY, HOUR, MINUTE, Window
from shared.storage.admission import Admitted, NoRate, admit
from shared.storage.plans import RateLine
from tests.storage.given import NOW_US, TimedRedis, hash_of, plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import Plan

HOUR_MS = 3_600_000
ON_THE_HOUR = NOW_US // 1000 - NOW_US // 1000 % HOUR_MS
WINDOWS = (MINUTE, HOUR, DAY)

seconds = st.sampled_from([0, 1, 29, 59, 60, 61, 600, 1800, 3599, 3600, 3601, 5 * 3600, 86_400])
limits = st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 8))


def line(window: Window, limit: int, now: int) -> RateLine:
    return RateLine(
        window.key(Scope.KEY, "k1", now),
        window.key(Scope.KEY, "k1", now - window.length_ms),
        limit,
        None,
        step_ms=window.step_ms,
        prefix=window.prefix,
    )


def asking(most: Sequence[int], now: int) -> Plan:
    lines = [line(window, limit, now) for window, limit in zip(WINDOWS, most, strict=True)]
    return plan(rates=lines)


def refuses(passed: Sequence[int], most: Sequence[int], now: int) -> int | None:
    """Say which window is full: what passed in its last 60 sixtieths and the one before counts."""
    for position, (window, limit) in enumerate(zip(WINDOWS, most, strict=True)):
        oldest = now // window.step_ms - 60
        if sum(moment // window.step_ms >= oldest for moment in passed) >= limit:
            return position
    return None


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(begin=st.integers(-61, 61), most=limits, steps=st.lists(seconds, min_size=5, max_size=20))
async def test_each_window_is_exact_beside_the_others(
    timed: TimedRedis, begin: int, most: tuple[int, int, int], steps: list[int]
) -> None:
    await timed.execute(["FLUSHALL"])
    now, passed = ON_THE_HOUR + begin * 1000, []
    for step in steps:
        now += step * 1000
        await timed.set_time(now * 1000)

        reply = await admit(timed, asking(most, now))

        full = refuses(passed, most, now)
        assert full == (reply.rate if isinstance(reply, NoRate) else None)
        if isinstance(reply, Admitted):
            passed.append(now)


async def test_on_the_hour_minute_and_hour_share_a_key_and_count_apart(timed: TimedRedis) -> None:
    now = Millis(ON_THE_HOUR)
    await timed.set_time(now * 1000)

    for _ in range(2):
        await admit(timed, asking((9, 9, 9), now))

    key = MINUTE.key(Scope.KEY, "k1", now)
    counted = await hash_of(timed, key)
    left = await timed.execute(["PTTL", key])
    assert key == HOUR.key(Scope.KEY, "k1", now)
    assert {"requests": "2", "r0": "2", "hrequests": "2", "hr0": "2"} == counted
    assert isinstance(left, int)
    assert left > HOUR_MS
