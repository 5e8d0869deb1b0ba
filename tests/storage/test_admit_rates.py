"""Requests and tokens per minute are exact over any trailing minute, whatever the calendar says."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from shared.domain import Millis, Scope
from shared.limits.windows import MINUTE, MINUTE_MS, minute_start
from shared.storage.admission import Admitted, NoRate, admit
from shared.storage.plans import RateLine
from tests.storage.given import NOW_US, TimedRedis, hash_of, now_us, plan, rate

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping

    from shared.storage.admission import AdmitReply
    from shared.storage.plans import Plan
    from shared.storage.redis import Redis

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
MINUTE_0_US = NOW_US - NOW_US % MINUTE_US
BEFORE, NOW = "ratelimit:key:k1:before", "ratelimit:key:k1:now"

Buckets = dict[int, int]
"""What was used in each second of a minute."""

counts = st.integers(1, 4)
buckets = st.dictionaries(st.integers(0, 59), counts, max_size=8)
# One event loop serves every example; each cleans up after itself.
many = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def at(second: int, micros: int = 0, *, minute: int = 0) -> int:
    return MINUTE_0_US + minute * MINUTE_US + second * SECOND_US + micros


async def given_windows(redis: TimedRedis, before: Buckets, now: Buckets) -> None:
    """Prepare both minutes as if requests of ten tokens had come in these seconds."""
    await redis.execute(["DEL", BEFORE, NOW])
    for key, used in ((BEFORE, before), (NOW, now)):
        total = sum(used.values())
        if total:
            fields: list[str | int] = ["requests", total, "tokens", total * 10]
            for second, count in used.items():
                fields += [f"r{second}", count, f"t{second}", count * 10]
            await redis.execute(["HSET", key, *fields])


def used_at(before: Buckets, now: Buckets, second: int) -> int:
    """Count what lies within the trailing minute of a moment in this second."""
    return sum(now.values()) + sum(n for s, n in before.items() if s >= second)


def seconds_until(before: Buckets, now: Buckets, second: int, room: int) -> int:
    """Wait second by second until no more than `room` is left in the trailing minute."""
    for wait in range(1, 62):
        later = second + wait
        left = used_at(before, now, later) if later < 60 else used_at(now, {}, later - 60)
        if left <= room:
            return wait
    raise AssertionError("never")


@pytest.mark.parametrize("kind", ["requests", "tokens"])
@given(before=buckets, now=buckets, second=st.integers(0, 59), limit=st.integers(1, 20))
@example(before={59: 1}, now={}, second=59, limit=1)
@example(before={}, now={0: 1}, second=0, limit=1)
@example(before={0: 1}, now={}, second=0, limit=1)
@example(before={0: 1}, now={}, second=1, limit=1)
@many
async def test_the_trailing_minute_decides_and_says_when_there_is_room(
    timed: TimedRedis, kind: str, before: Buckets, now: Buckets, second: int, limit: int
) -> None:
    now = {s: n for s, n in now.items() if s <= second}
    await given_windows(timed, before, now)
    await timed.set_time(at(second, 999_999))
    line = rate(rpm=limit) if kind == "requests" else rate(tpm=limit * 10)

    reply = await admit(timed, plan(rates=[line], tokens=10))

    used = used_at(before, now, second)
    if used + 1 <= limit:
        assert isinstance(reply, Admitted)
    else:
        wait = seconds_until(before, now, second, limit - 1)
        scale = 1 if kind == "requests" else 10
        assert NoRate(0, "requests" if scale == 1 else "tokens", used * scale, wait) == reply


class Minutes:
    """A key that is called with its real window names, as the plan names them."""

    def __init__(
        self, redis: TimedRedis, *, rpm: int | None = None, tpm: int | None = None
    ) -> None:
        self._redis = redis
        self._rpm = rpm
        self._tpm = tpm

    async def call(self, moment_us: int, tokens: int = 0) -> AdmitReply:
        await self._redis.set_time(moment_us)
        return await admit(self._redis, self._plan(moment_us, tokens))

    def _plan(self, moment_us: int, tokens: int) -> Plan:
        now = Millis(moment_us // 1000)
        line = RateLine(
            MINUTE.key(Scope.KEY, "k1", now),
            MINUTE.key(Scope.KEY, "k1", now - MINUTE_MS),
            self._rpm,
            self._tpm,
        )
        start = minute_start(now)
        return plan(rates=[line], tokens=tokens, valid_from=start, valid_until=start + MINUTE_MS)


gaps = st.lists(st.integers(0, 40_000_000) | st.integers(0, 2_000_000), min_size=5, max_size=40)


@given(gaps=gaps, start=st.integers(0, 59_999_999), rpm=st.integers(1, 6))
@many
async def test_no_minute_ever_has_more_requests_than_the_limit(
    timed: TimedRedis, gaps: list[int], start: int, rpm: int
) -> None:
    await timed.execute(["FLUSHALL"])
    key = Minutes(timed, rpm=rpm)
    moment, admitted = MINUTE_0_US + start, list[int]()

    for gap in gaps:
        moment += gap
        reply = await key.call(moment)
        if isinstance(reply, Admitted):
            admitted.append(moment)
            assert sum(1 for each in admitted if each > moment - MINUTE_US) <= rpm
        else:
            assert sum(1 for each in admitted if each > moment - 61 * SECOND_US) >= rpm


@given(
    calls=st.lists(
        st.tuples(st.integers(0, 20_000_000), st.integers(0, 60)), min_size=3, max_size=30
    ),
    tpm=st.integers(60, 120),
)
@many
async def test_no_minute_ever_has_more_tokens_than_the_limit(
    timed: TimedRedis, calls: list[tuple[int, int]], tpm: int
) -> None:
    await timed.execute(["FLUSHALL"])
    key = Minutes(timed, tpm=tpm)
    moment, taken = MINUTE_0_US, list[tuple[int, int]]()

    for gap, tokens in calls:
        moment += gap
        if isinstance(await key.call(moment, tokens), Admitted):
            taken.append((moment, tokens))
            assert sum(n for each, n in taken if each > moment - MINUTE_US) <= tpm
        else:
            recent = sum(n for each, n in taken if each > moment - 61 * SECOND_US)
            assert recent + tokens > tpm


@given(
    before=buckets,
    now=buckets,
    second=st.integers(0, 59),
    micros=st.integers(0, 999_999),
    limit=st.integers(1, 6),
)
@many
async def test_after_the_seconds_it_was_told_a_client_is_served_and_not_before(
    timed: TimedRedis, before: Buckets, now: Buckets, second: int, micros: int, limit: int
) -> None:
    await timed.execute(["FLUSHALL"])
    key = Minutes(timed, rpm=limit)
    minutes = ((before, -1), ({s: n for s, n in now.items() if s <= second}, 0))
    for used, minute in minutes:
        for each, count in sorted(used.items()):
            for _ in range(count):
                await key.call(at(each, minute=minute))
    reply = await key.call(at(second, micros))

    if isinstance(reply, NoRate):
        assert 1 <= reply.seconds <= 61
        almost = at(second) + reply.seconds * SECOND_US - 1
        assert isinstance(await key.call(almost), NoRate)
        later = at(second, micros) + reply.seconds * SECOND_US
        assert isinstance(await key.call(later), Admitted)


async def test_a_full_minute_at_once_has_room_after_61_seconds_at_most(timed: TimedRedis) -> None:
    key = Minutes(timed, rpm=60)
    for i in range(60):
        assert isinstance(await key.call(at(30, i)), Admitted)

    assert NoRate(0, "requests", 60, 61) == await key.call(at(30, 999_999))
    assert NoRate(0, "requests", 60, 1) == await key.call(at(30, 999_999, minute=1))
    assert isinstance(await key.call(at(31, minute=1)), Admitted)


async def test_twice_the_limit_never_passes_at_a_turn_of_the_minute(timed: TimedRedis) -> None:
    key = Minutes(timed, rpm=60)

    moments = [at(59, i) for i in range(60)] + [at(0, i, minute=1) for i in range(60)]
    replies = [await key.call(moment) for moment in moments]

    assert 60 == sum(isinstance(reply, Admitted) for reply in replies)


async def test_a_limit_of_nothing_admits_nothing(timed: TimedRedis) -> None:
    assert NoRate(0, "requests", 0, 60) == await Minutes(timed, rpm=0).call(NOW_US)
    assert NoRate(0, "tokens", 0, 60) == await Minutes(timed, tpm=0).call(NOW_US, tokens=1)


async def test_more_tokens_than_the_limit_are_refused_for_a_minute(timed: TimedRedis) -> None:
    assert NoRate(0, "tokens", 0, 60) == await Minutes(timed, tpm=9).call(NOW_US, tokens=10)


async def test_a_refused_request_does_not_count(timed: TimedRedis) -> None:
    key = Minutes(timed, rpm=2)
    for i in range(5):
        await key.call(at(10, i))

    assert isinstance(await key.call(at(11, minute=1)), Admitted)


async def test_rates_without_a_limit_are_counted_all_the_same(timed: TimedRedis) -> None:
    await admit(timed, plan(rates=[rate(rpm=5)], tokens=7))

    window = await hash_of(timed, NOW)
    assert ("1", "7") == (window["requests"], window["tokens"])


@pytest.mark.parametrize("concurrency", [60, 200])
async def test_of_many_at_once_exactly_the_limit_passes(redis: Redis, concurrency: int) -> None:
    replies = await at_once(admit(redis, plan(rates=[rate(rpm=60)])) for _ in range(concurrency))

    assert 60 == sum(isinstance(reply, Admitted) for reply in replies)
    assert "60" == (await hash_of(redis, NOW))["requests"]


async def at_once(calls: Iterable[Awaitable[AdmitReply]]) -> list[AdmitReply]:
    return list(await asyncio.gather(*calls))


async def test_of_two_entities_the_tighter_decides_and_both_count_alike(redis: Redis) -> None:
    lines = [rate(rpm=100), rate(tpm=70, of="team:t1")]

    replies = await at_once(admit(redis, plan(rates=lines, tokens=10)) for _ in range(50))

    assert 7 == sum(isinstance(reply, Admitted) for reply in replies)
    for key in (NOW, "ratelimit:team:t1:now"):
        window: Mapping[str, str] = await hash_of(redis, key)
        assert ("7", "70") == (window["requests"], window["tokens"])


async def test_the_second_of_redis_is_the_bucket(redis: Redis) -> None:
    first = await now_us(redis)
    await admit(redis, plan(rates=[rate(rpm=5)]))
    last = await now_us(redis)

    window = await hash_of(redis, NOW)
    seconds = {moment // SECOND_US % 60 for moment in (first, last)}
    assert {f"r{second}" for second in seconds} & window.keys()
