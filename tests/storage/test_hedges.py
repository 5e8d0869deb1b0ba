"""A second place for a held call: taken once, left once, whichever of the two it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.storage.admission import Held, admit, settle
from shared.storage.hedges import drop, hedge, latencies
from shared.storage.plans import HOLD_LIFE_MS, Cooling, Outcome
from tests.storage.given import (
    NOW_US,
    TimedRedis,
    candidate,
    everything,
    hash_of,
    place,
    plan,
    settlement,
)

if TYPE_CHECKING:
    from shared.storage.plans import CandidateLine, Plan

A, B = "a", "b"


def line(name: str, **limits: int | None) -> CandidateLine:
    return replace(candidate(name=name), **limits)


def left_at(name: str, *, failed: bool = False, sample: str = "") -> Outcome:
    cooling = Cooling(seconds=5, at_once=True)
    window = f"ratelimit:deployment:{name}:now"
    return Outcome(window, f"cooldown:{name}", failed, cooling, place(name), sample)


async def given_two(redis: TimedRedis) -> Plan:
    """Admit a call at A and hedge it at B; both count tokens."""
    running = plan(candidates=[line(A, tpm=100), line(B, tpm=100)], tokens=30)
    await admit(redis, running)
    assert 0 == await hedge(redis, running, running.candidates[1:])
    return running


async def test_both_places_are_taken_and_expire_with_their_function(timed: TimedRedis) -> None:
    await given_two(timed)

    found = await everything(timed)
    for name in (A, B):
        assert "1" == found[f"active_requests:{name}"].value
        assert 0 < (found[f"parallel:deployment:{name}"].expires_in or 0) <= HOLD_LIFE_MS
        assert "30" == (await hash_of(timed, f"ratelimit:deployment:{name}:now"))["tokens"]


async def test_a_repeat_takes_no_third_place(timed: TimedRedis) -> None:
    running = await given_two(timed)

    again = await hedge(timed, running, [line("c")])

    assert 0 == again
    assert "active_requests:c" not in await everything(timed)


async def test_nobody_with_room_is_nobody(timed: TimedRedis) -> None:
    running = plan(candidates=[line(A)])
    await admit(timed, running)
    await admit(timed, plan(candidates=[line(B)]))

    assert await hedge(timed, running, [line(B, max_parallel=1)]) is None


async def test_a_call_that_ended_gets_no_second_place(timed: TimedRedis) -> None:
    running = plan(candidates=[line(A)])
    await admit(timed, running)
    await settle(timed, Held.by(running), settlement())

    assert await hedge(timed, running, [line(B)]) is None
    assert "active_requests:b" not in await everything(timed)


@pytest.mark.parametrize(("loser", "winner"), [(A, B), (B, A)])
async def test_the_loser_is_left_and_the_winner_settles_its_own_tokens(
    timed: TimedRedis, loser: str, winner: str
) -> None:
    running = await given_two(timed)

    for _ in range(2):
        await drop(timed, running, left_at(loser, sample="50:50:"), is_second=loser == B)
    used = replace(settlement(prompt_tokens=7, completion_tokens=0), place=place(winner))
    await settle(timed, Held.by(running), used)

    found = await everything(timed)
    assert not {f"active_requests:{name}" for name in (A, B)} & found.keys()
    tokens = [(await hash_of(timed, f"ratelimit:deployment:{n}:now"))["tokens"] for n in (A, B)]
    assert [("0", "7"), ("7", "0")][winner == A] == tuple(tokens)
    assert f"latency:{loser}" in found
    assert f"cooldown:{loser}" not in found


async def test_a_failure_is_booked_once_and_rests_its_deployment(timed: TimedRedis) -> None:
    running = await given_two(timed)

    for _ in range(2):
        await drop(timed, running, left_at(B, failed=True), is_second=True)

    window = await hash_of(timed, "ratelimit:deployment:b:now")
    assert ("1", "1") == (window["ended"], window["failures"])
    assert str(NOW_US // 1000 + 5_000) == (await everything(timed))["cooldown:b"].value


async def test_latencies_are_read_of_all_and_without_answers_that_never_came(
    timed: TimedRedis,
) -> None:
    samples = {"latency:a": "50:1:5:r1", "latency:b": "70:1::r2"}
    for key, member in samples.items():
        await timed.execute(["ZADD", key, NOW_US // 1000, member])
    await timed.execute(["ZADD", "latency:a", NOW_US // 1000, "1000000:1000000000:1000000:r3"])

    keys = ["latency:a", "latency:b", "latency:c"]

    assert [50, 70] == sorted(await latencies(timed, keys, to_first_token=False))
    assert [5] == await latencies(timed, keys, to_first_token=True)
