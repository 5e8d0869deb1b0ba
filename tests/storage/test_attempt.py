"""Attempt books a failure once and moves the hold to the next deployment that may take it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.storage.admission import settle
from shared.storage.attempts import HoldGone, NoCandidate, attempt
from shared.storage.plans import HOLD_LIFE_MS, Cooling, Outcome
from tests.storage.given import (
    COOLDOWN,
    NOW_US,
    SINCE,
    TEAM_COUNTER,
    WINDOW,
    TimedRedis,
    budget,
    candidate,
    counter,
    everything,
    given_counter,
    given_hold,
    given_overdue,
    hash_of,
    plan,
    settlement,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import Plan
    from shared.storage.redis import Redis

NOW_MS = NOW_US // 1000
AT_ONCE = Cooling(5.0, at_once=True)


def failed(cooling: Cooling = Cooling()) -> Outcome:  # noqa: B008 - frozen
    return Outcome(WINDOW, COOLDOWN, failed=True, cooling=cooling)


def reserving(amount: int, *, limit: int | None = 100) -> Plan:
    return plan(
        "r1",
        budgets=[budget(limit=limit), budget(TEAM_COUNTER, limit=None)],
        reservation=amount,
    )


async def given_counters(redis: Redis | TimedRedis) -> None:
    await given_counter(redis)
    await given_counter(redis, TEAM_COUNTER)


async def test_a_dearer_candidate_adds_to_the_reservation(redis: Redis) -> None:
    await given_counters(redis)
    running = reserving(10)
    await given_hold(redis, running)

    chosen = await attempt(redis, running, failed(), number=2, candidates=[candidate(70, "d2")])

    assert 0 == chosen
    assert (SINCE, 0, 70) == await counter(redis)
    assert (SINCE, 0, 0) == await counter(redis, TEAM_COUNTER)
    assert "70" == (await hash_of(redis, "hold:r1"))["amount"]


async def test_a_cheaper_candidate_keeps_the_reservation(redis: Redis) -> None:
    await given_counters(redis)
    running = reserving(70)
    await given_hold(redis, running)

    assert 0 == await attempt(redis, running, failed(), number=2, candidates=[candidate(1, "d2")])

    assert (SINCE, 0, 70) == await counter(redis)


async def test_a_candidate_beyond_the_budget_is_passed_over(redis: Redis) -> None:
    await given_counters(redis)
    running = reserving(60)
    await given_hold(redis, running)
    candidates = [candidate(101, "d2"), candidate(100, "d3"), candidate(1, "d4")]

    assert 1 == await attempt(redis, running, failed(), number=2, candidates=candidates)

    assert (SINCE, 0, 100) == await counter(redis)


async def test_what_others_hold_counts_against_a_dearer_candidate(redis: Redis) -> None:
    await given_counter(redis, spent=20, reserved=20)
    running = reserving(10)
    await given_hold(redis, running)

    reply = await attempt(redis, running, failed(), number=2, candidates=[candidate(61, "d2")])

    assert NoCandidate(0) == reply
    assert (SINCE, 20, 30) == await counter(redis)


async def test_none_tells_when_the_first_is_back(timed: TimedRedis) -> None:
    await given_counters(timed)
    running = reserving(10)
    await given_hold(timed, running)
    await timed.execute(["SET", "cooldown:d2", NOW_MS + 900])
    await timed.execute(["SET", "cooldown:d3", NOW_MS + 300])
    candidates = [candidate(1, "d2"), candidate(1, "d3"), candidate(1000, "d4")]

    reply = await attempt(timed, running, failed(), number=2, candidates=candidates)

    assert NoCandidate(300) == reply


async def test_a_cooldown_that_has_ended_is_none(timed: TimedRedis) -> None:
    running = plan("r1")
    await given_hold(timed, running)
    await timed.execute(["SET", "cooldown:d2", NOW_MS])

    assert 0 == await attempt(timed, running, failed(), number=2, candidates=[candidate(0, "d2")])


async def test_the_deployment_that_failed_at_once_is_not_its_own_successor(
    timed: TimedRedis,
) -> None:
    running = plan("r1")
    await given_hold(timed, running)

    reply = await attempt(
        timed, running, failed(AT_ONCE), number=2, candidates=[candidate(0, "d1")]
    )

    assert NoCandidate(5000) == reply


async def test_an_attempt_prolongs_the_hold(timed: TimedRedis) -> None:
    running = plan("r1")
    await given_hold(timed, running)
    await timed.set_time(NOW_US + 30_000_000)

    await attempt(timed, running, failed(), number=2, candidates=[candidate(0, "d2")])

    deadlines = (await everything(timed))["holds:0"].value
    assert {"r1": str(NOW_MS + 30_000 + HOLD_LIFE_MS)} == deadlines


async def test_what_an_attempt_makes_expires(redis: Redis) -> None:
    running = plan("r1")
    await given_hold(redis, running)

    await attempt(redis, running, failed(AT_ONCE), number=2, candidates=[candidate(0, "d2")])

    after = await everything(redis)
    assert {"ended": "1", "failures": "1"} == after[WINDOW].value
    assert 115_000 < (after[WINDOW].expires_in or 0) <= 120_000
    assert 0 < (after[COOLDOWN].expires_in or 0) <= 5_000
    assert not after["hold:r1"].expires


@pytest.mark.parametrize("reservation", [5, 70, 1000])
async def test_the_same_attempt_twice_changes_nothing_more(redis: Redis, reservation: int) -> None:
    await given_counters(redis)
    running = reserving(10)
    await given_hold(redis, running)
    candidates = [candidate(reservation, "d2")]
    first = await attempt(redis, running, failed(AT_ONCE), number=2, candidates=candidates)
    before = await everything(redis)

    second = await attempt(redis, running, failed(AT_ONCE), number=2, candidates=candidates)

    assert first == second
    del before["holds:0"]
    after = await everything(redis)
    del after["holds:0"]
    assert before == after


async def test_after_none_other_candidates_can_be_asked_for(redis: Redis) -> None:
    await given_counters(redis)
    running = reserving(10)
    await given_hold(redis, running)
    await attempt(redis, running, failed(), number=2, candidates=[candidate(1000, "d2")])

    chosen = await attempt(redis, running, failed(), number=2, candidates=[candidate(50, "d3")])

    assert 0 == chosen
    assert {"ended": "1", "failures": "1"} == await hash_of(redis, WINDOW)
    assert (SINCE, 0, 50) == await counter(redis)


async def test_an_attempt_that_was_overtaken_changes_nothing(redis: Redis) -> None:
    await given_counters(redis)
    running = reserving(10)
    await given_hold(redis, running)
    for number in (2, 3):
        await attempt(redis, running, failed(), number=number, candidates=[candidate(20, "d2")])
    before = await everything(redis)

    with pytest.raises(HoldGone):
        await attempt(redis, running, failed(), number=2, candidates=[candidate(90, "d3")])

    assert before == await everything(redis)


@pytest.mark.parametrize("mode", ["settle", "lost"])
async def test_an_ended_hold_is_gone_and_its_failure_booked_once(redis: Redis, mode: str) -> None:
    await given_counters(redis)
    running = reserving(10)
    held = await given_hold(redis, running)
    await given_overdue(redis, held)
    await settle(redis, held, settlement(3), mode="lost" if mode == "lost" else "settle")
    spent = await counter(redis)

    for _ in range(2):
        with pytest.raises(HoldGone):
            await attempt(redis, running, failed(), number=2, candidates=[candidate(90, "d2")])

    assert spent == await counter(redis)
    assert {"ended": "1", "failures": "1"} == await hash_of(redis, WINDOW)
    assert (await everything(redis))["hold:r1"].expires


async def test_a_hold_that_never_was_is_gone_and_none_is_made(redis: Redis) -> None:
    with pytest.raises(HoldGone):
        await attempt(redis, plan("r1"), failed(), number=2, candidates=[candidate(0, "d2")])

    assert {WINDOW} == (await everything(redis)).keys()


async def test_a_counter_that_does_not_carry_the_hold_neither_refuses_nor_takes(
    redis: Redis,
) -> None:
    await given_counter(redis)
    running = reserving(10)
    held = await given_hold(redis, running)
    await given_hold(redis, plan(budgets=[budget(limit=100, since=SINCE + 1)], reservation=95))

    assert 0 == await attempt(redis, running, failed(), number=2, candidates=[candidate(70, "d2")])
    await settle(redis, held, settlement(65))

    assert (SINCE + 1, 0, 95) == await counter(redis)


async def test_concurrent_attempts_stay_within_the_budget(redis: Redis) -> None:
    await given_counter(redis)
    running = [
        plan(f"r{i}", budgets=[budget(limit=100)], candidates=[candidate(1)]) for i in range(20)
    ]
    for each in running:
        await given_hold(redis, each)

    replies = await asyncio.gather(
        *(
            attempt(redis, each, failed(), number=2, candidates=[candidate(21, "d2")])
            for each in running
        )
    )

    assert 4 == replies.count(0)
    assert (SINCE, 0, 100) == await counter(redis)


async def test_large_reservations_stay_exact(redis: Redis) -> None:
    await given_counter(redis)
    running = reserving(10**14, limit=2**62)
    await given_hold(redis, running)

    await attempt(redis, running, failed(), number=2, candidates=[candidate(2**53 - 1, "d2")])

    assert (SINCE, 0, 2**53 - 1) == await counter(redis)
    assert str(2**53 - 1) == (await hash_of(redis, "hold:r1"))["amount"]


async def book(redis: TimedRedis, outcomes: Sequence[bool], *, cooling: Cooling) -> None:
    """Settle one call after another with these failures."""
    for i, is_failure in enumerate(outcomes):
        held = await given_hold(redis, plan(f"booked {i}", candidates=[]))
        outcome = Outcome(WINDOW, COOLDOWN, failed=is_failure, cooling=cooling)
        await settle(redis, held, settlement(outcome=outcome))


@pytest.mark.parametrize(
    ("outcomes", "is_cooling"),
    [
        ((True,) * 4, False),
        ((True,) * 5, True),
        ((False, False, True, True), False),
        ((False, False, False, True, True, True), False),
        ((False, False, True, True, True), True),
    ],
)
async def test_a_deployment_rests_when_more_than_half_of_enough_requests_failed(
    timed: TimedRedis, outcomes: tuple[bool, ...], *, is_cooling: bool
) -> None:
    await book(timed, outcomes, cooling=Cooling(5.0, least_requests=5, percent=50))

    assert is_cooling == (COOLDOWN in await everything(timed))


async def test_a_cooldown_of_no_time_never_starts(timed: TimedRedis) -> None:
    await book(timed, [True], cooling=Cooling(0, at_once=True))

    assert COOLDOWN not in await everything(timed)


@pytest.mark.parametrize(("standing", "ends"), [(2000, 5000), (9000, 9000)])
async def test_a_cooldown_is_never_shortened(timed: TimedRedis, standing: int, ends: int) -> None:
    await timed.execute(["SET", COOLDOWN, NOW_MS + standing, "PX", 60_000])

    await book(timed, [True], cooling=AT_ONCE)

    assert str(NOW_MS + ends) == (await everything(timed))[COOLDOWN].value
