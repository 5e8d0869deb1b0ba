"""Deployments in Redis: admit takes the first with room by its strategy, as the oracle says."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.routing.strategies import Limits, Sample, State, choose
from shared.storage.admission import Admitted, AllCool, Held, admit, renew, settle
from shared.storage.attempts import NoCandidate, attempt
from shared.storage.plans import HOLD_LIFE_MS, CandidateLine, Outcome
from tests.routing.builders import seeded
from tests.storage.given import (
    NOW_US,
    TimedRedis,
    candidate,
    everything,
    given_hold,
    given_overdue,
    hash_of,
    place,
    plan,
    settlement,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from shared.storage.plans import Plan, Settlement
    from shared.storage.redis import Redis, Runs

NOW_MS = NOW_US // 1000
STRATEGIES = ["sent", "active", "tokens", "latency 0 10", "latency 0.5 3", "first_token 0.2 10"]


def line(name: str, strategy: str = "sent", level: int = 0, **limits: int | None) -> CandidateLine:
    return replace(candidate(name=name), strategy=strategy, level=level, **limits)


def among(*candidates: CandidateLine, tokens: int = 0, request_id: str | None = None) -> Plan:
    return plan(request_id, candidates=candidates, tokens=tokens)


async def chosen(redis: Runs, the_plan: Plan) -> int | None:
    reply = await admit(redis, the_plan)
    return reply.choice if isinstance(reply, Admitted) else None


def leaving(the_plan: Plan, sample: str = "", *, tokens: int = 0) -> Settlement:
    used = settlement(prompt_tokens=tokens, completion_tokens=0)
    return replace(used, place=the_plan.candidates[0].place, sample=sample)


def a_state(random: Random) -> State:
    return State(
        cools=random.random() < 0.2,
        active=random.randint(0, 3),
        requests=random.randint(0, 5),
        tokens=(tokens := random.randint(0, 50)),
        tokens_this_minute=tokens,
        samples=tuple(
            Sample(1, random.randint(1, 20), random.choice([None, 1, 2, 3]))
            for _ in range(random.randint(0, 4))
        ),
    )


async def given_state(redis: Runs, name: str, state: State) -> None:
    where = place(name)
    if state.cools:
        await redis.execute(["SET", where.cooldown_key, NOW_MS + 1000])
    for number in range(state.active):
        await redis.execute(["ZADD", where.parallel_key, NOW_MS + 1000, f"other-{number}"])
    await redis.execute(
        ["HSET", where.current_key, "requests", state.requests, "tokens", state.tokens]
    )
    for number, sample in enumerate(state.samples):
        member = f"{sample.text}:r{number}"
        await redis.execute(["ZADD", where.latency_key, NOW_MS - 100 + number, member])


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_admit_chooses_as_the_pure_strategy_does(timed: TimedRedis, strategy: str) -> None:
    random = seeded()
    for turn in range(25):
        states = [a_state(random) for _ in range(random.randint(1, 4))]
        limits = [
            Limits(
                max_parallel=random.choice([None, 2]),
                rpm=random.choice([None, 4]),
                tpm=random.choice([None, 40]),
            )
            for _ in states
        ]
        for number, state in enumerate(states):
            await given_state(timed, f"{turn}-{number}", state)
        candidates = [
            line(
                f"{turn}-{number}",
                strategy,
                max_parallel=most.max_parallel,
                rpm=most.rpm,
                tpm=most.tpm,
            )
            for number, most in enumerate(limits)
        ]

        expected = choose(strategy, list(zip(states, limits, strict=True)), 10)

        assert expected == await chosen(timed, among(*candidates, tokens=10)), (states, limits)


async def test_a_level_is_asked_only_when_those_before_have_no_room(timed: TimedRedis) -> None:
    await given_state(timed, "a", State(active=3))
    candidates = [line("a", "active", 0, max_parallel=4), line("b", "active", 1)]

    assert [0, 1] == [await chosen(timed, among(*candidates)) for _ in range(2)]


@pytest.mark.parametrize(
    ("limits", "passed"), [({"rpm": 7}, 7), ({"tpm": 95}, 9), ({"max_parallel": 5}, 5)]
)
async def test_of_many_at_once_exactly_as_many_pass_as_the_deployment_bears(
    redis: Redis, limits: dict[str, Any], passed: int
) -> None:
    plans = [among(line("d1", **limits), tokens=10) for _ in range(40)]

    replies = await asyncio.gather(*(admit(redis, each) for each in plans))

    assert passed == sum(isinstance(reply, Admitted) for reply in replies)
    assert all(isinstance(reply, Admitted | AllCool) for reply in replies)


async def test_what_one_cannot_bear_goes_to_the_next(redis: Redis) -> None:
    candidates = [line("a", rpm=1), line("b", rpm=2)]

    found = [await chosen(redis, among(*candidates)) for _ in range(4)]

    assert [0, 1, 1, None] == found


async def test_a_minute_of_requests_is_free_again_after_a_minute_and_not_before(
    timed: TimedRedis,
) -> None:
    windows = replace(place(), current_key="ratelimit:deployment:d1:0")
    first = replace(line("d1", rpm=1), place=windows)
    later = replace(
        place(), current_key="ratelimit:deployment:d1:1", previous_key=windows.current_key
    )
    assert 0 == await chosen(timed, among(first))

    await timed.set_time(NOW_US + 59_000_000)
    too_early = await chosen(timed, among(replace(first, place=later)))
    await timed.set_time(NOW_US + 61_000_000)

    assert too_early is None
    assert 0 == await chosen(timed, among(replace(first, place=later)))


async def test_a_slot_is_counted_while_it_is_held_and_expires_with_its_function(
    timed: TimedRedis,
) -> None:
    one, two = among(line("d1")), among(line("d1"))
    await admit(timed, one)
    await admit(timed, two)
    both = await everything(timed)

    await settle(timed, Held.by(one), leaving(one))
    left = await everything(timed)

    assert ("2", "1") == (both["active_requests:d1"].value, left["active_requests:d1"].value)
    for key in ("active_requests:d1", "parallel:deployment:d1"):
        assert 0 < (left[key].expires_in or 0) <= HOLD_LIFE_MS
    await settle(timed, Held.by(two), leaving(two))
    assert not {"active_requests:d1", "parallel:deployment:d1"} & (await everything(timed)).keys()


async def test_a_slot_that_a_dead_function_left_is_not_counted(timed: TimedRedis) -> None:
    await admit(timed, among(line("d1", max_parallel=1)))
    await timed.set_time(NOW_US + HOLD_LIFE_MS * 1000)

    assert 0 == await chosen(timed, among(line("d1", max_parallel=1)))


async def test_a_renewed_call_keeps_its_slot(timed: TimedRedis) -> None:
    running = among(line("d1", max_parallel=1))
    await admit(timed, running)
    await timed.set_time(NOW_US + 60_000_000)

    await renew(timed, running, place())

    await timed.set_time(NOW_US + HOLD_LIFE_MS * 1000)
    assert await chosen(timed, among(line("d1", max_parallel=1))) is None


async def test_tokens_are_put_right_when_the_call_settles(timed: TimedRedis) -> None:
    running = among(line("d1", tpm=100), tokens=50)
    await admit(timed, running)

    for _ in range(2):
        await settle(timed, Held.by(running), leaving(running, tokens=12))

    window = await hash_of(timed, "ratelimit:deployment:d1:now")
    assert ("1", "12") == (window["requests"], window["tokens"])


async def test_without_limits_no_minute_is_counted(timed: TimedRedis) -> None:
    await admit(timed, among(line("d1"), tokens=5))

    assert "ratelimit:deployment:d1:now" not in await everything(timed)


async def test_samples_are_kept_apart_trimmed_and_expire(timed: TimedRedis) -> None:
    for number in range(105):
        running = among(line("d1"), request_id=f"r{number}")
        await admit(timed, running)
        await settle(timed, Held.by(running), leaving(running, sample="10:20:"))

    found = (await everything(timed))["latency:d1"]
    assert isinstance(found.value, dict)
    assert 100 == len(found.value)
    assert "10:20::r99" in found.value
    assert 0 < (found.expires_in or 0) <= 3_600_000


async def test_an_attempt_leaves_one_place_and_takes_the_next(timed: TimedRedis) -> None:
    running = among(line("a", tpm=100), line("b", max_parallel=1, tpm=100), tokens=30)
    await admit(timed, running)
    failed = Outcome("ratelimit:deployment:a:now", "cooldown:a", failed=True, place=place("a"))

    for _ in range(2):
        assert 0 == await attempt(
            timed, running, failed, number=2, candidates=running.candidates[1:]
        )

    after = await everything(timed)
    assert "active_requests:a" not in after
    assert "1" == after["active_requests:b"].value
    tokens = [(await hash_of(timed, f"ratelimit:deployment:{d}:now"))["tokens"] for d in "ab"]
    assert ["0", "30"] == tokens


async def test_an_attempt_passes_over_what_has_no_room(redis: Redis) -> None:
    running = among(line("a"), request_id="r1")
    await given_hold(redis, running)
    await admit(redis, among(line("b", max_parallel=1)))
    failed = Outcome("ratelimit:deployment:a:now", "cooldown:a", failed=True, place=place("a"))

    full = await attempt(redis, running, failed, number=2, candidates=[line("b", max_parallel=1)])

    assert NoCandidate(1000) == full


async def test_a_timeout_is_a_sample_too(redis: Redis) -> None:
    running = among(line("a"), request_id="r1")
    await given_hold(redis, running)
    failed = Outcome(
        "ratelimit:deployment:a:now", "cooldown:a", failed=True, place=place("a"), sample="9:9:"
    )

    await attempt(redis, running, failed, number=2, candidates=[line("b")])

    assert ["9:9::r1"] == list(await hash_of_set(redis, "latency:a"))


async def hash_of_set(redis: Runs, key: str) -> Sequence[str]:
    found = await redis.execute(["ZRANGE", key, 0, -1])
    return [str(word) for word in found] if isinstance(found, list) else []


async def test_a_lost_call_leaves_no_slot_behind(timed: TimedRedis) -> None:
    running = among(line("d1"))
    held = await given_hold(timed, running)
    await given_overdue(timed, held)

    await settle(timed, held, settlement(), mode="lost")

    expiring = await everything(timed)
    assert all(expiring[key].expires for key in ("parallel:deployment:d1", "active_requests:d1"))
