"""Settle ends a hold once, books what it cost, and is complete even when the hold is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.storage.admission import Held, seed, settle
from shared.storage.attempts import attempt
from shared.storage.plans import Cooling, Outcome
from tests.storage.given import (
    COOLDOWN,
    COUNTER,
    HOURS_24,
    MINUTES_10,
    NOW_US,
    ROW,
    SINCE,
    TEAM_COUNTER,
    WINDOW,
    TimedRedis,
    budget,
    candidate,
    counter,
    everything,
    full,
    given_counter,
    given_hold,
    given_overdue,
    hash_of,
    known,
    ledger,
    place,
    plan,
    rate,
    settlement,
)

if TYPE_CHECKING:
    from shared.storage.redis import Redis


async def test_settle_gives_back_the_hold_and_books_the_cost(timed: TimedRedis) -> None:
    await given_counter(timed, spent=7)
    await given_counter(timed, TEAM_COUNTER, spent=1)
    held = await given_hold(timed, full("r1"))

    paid = settlement(30, prompt_tokens=60, completion_tokens=50)
    is_ended = await settle(timed, held, replace(paid, place=place()))

    assert is_ended
    left = await everything(timed)
    (entry,) = await ledger(timed)
    assert {
        "id": "r1",
        "spend": "30",
        "prompt_tokens": "60",
        "completion_tokens": "50",
        "budgets": f"\n{COUNTER}\n{SINCE}\n{TEAM_COUNTER}\n{SINCE}\n",
        "row": ROW,
    } == entry
    del left["ledger:0"]
    assert {
        COUNTER: {"since": str(SINCE), "spent": "37", "reserved": "0", "mark": "given"},
        TEAM_COUNTER: {"since": str(SINCE), "spent": "31", "reserved": "0", "mark": "given"},
        "ratelimit:key:k1:now": {"requests": "1", "tokens": "110", "r20": "1", "t20": "110"},
        "hold:r1": {
            "state": "settled",
            "at": str(NOW_US),
            "choice": "1",
            "amount": "50",
            "tokens": "100",
            "sixtieths": "total  20",
            "prompt": "11",
            "completion": "22",
        },
    } == {key: each.value for key, each in left.items()}


async def test_only_what_has_ended_expires(redis: Redis) -> None:
    await given_counter(redis)
    settled, lost, held = [await given_hold(redis, full(name)) for name in ("s", "l", "h")]
    await settle(redis, settled, settlement(1))
    await given_overdue(redis, lost)
    await settle(redis, lost, settlement(1), mode="lost")

    left = {key: each.expires_in for key, each in (await everything(redis)).items()}

    assert held.request_id == "h"
    for key in (COUNTER, "holds:0", "ledger:0", "hold:h"):
        assert left[key] is None
    assert MINUTES_10 - 5000 < (left["hold:s"] or 0) <= MINUTES_10
    assert HOURS_24 - 5000 < (left["hold:l"] or 0) <= HOURS_24


@pytest.mark.parametrize("reservation", [0, 50])
async def test_settling_twice_books_once(redis: Redis, reservation: int) -> None:
    await given_counter(redis)
    held = await given_hold(redis, full(reservation=reservation))
    outcome = Outcome(WINDOW, COOLDOWN, failed=True, cooling=Cooling(5, at_once=True))
    await settle(redis, held, settlement(30, outcome=outcome))
    before = await everything(redis)

    for mode in ("settle", "lost", "booked"):
        assert not await settle(redis, held, settlement(31, outcome=outcome), mode=mode)

    assert (SINCE, 30, 0) == await counter(redis)
    assert before == await everything(redis)


async def test_a_reservation_of_nothing_is_given_back(redis: Redis) -> None:
    await given_counter(redis, reserved=3)
    held = await given_hold(redis, plan(budgets=[budget()], reservation=0))

    await settle(redis, held, settlement(5))

    assert (SINCE, 5, 3) == await counter(redis)


async def test_without_its_hold_a_call_is_booked_once_and_releases_nothing(redis: Redis) -> None:
    await given_counter(redis, reserved=50)
    held = Held.by(full("never admitted"))

    first = await settle(redis, held, settlement(30))
    second = await settle(redis, held, settlement(30))

    assert (True, False) == (first, second)
    assert (SINCE, 30, 50) == await counter(redis)
    assert ["30"] == [row["spend"] for row in await ledger(redis)]
    assert {"state": "settled"} == await hash_of(redis, "hold:never admitted")
    assert (await everything(redis))["hold:never admitted"].expires


async def test_a_hold_that_redis_lost_is_booked_and_leaves_the_queue(redis: Redis) -> None:
    await given_counter(redis)
    held = await given_hold(redis, full())
    await redis.execute(["DEL", f"hold:{held.request_id}"])

    await settle(redis, held, settlement(30))

    after = await everything(redis)
    assert (SINCE, 30) == (await counter(redis))[:2]
    assert 1 == len(await ledger(redis))
    assert not {"holds:0", "parallel:key:k1"} & after.keys()


async def test_without_a_counter_only_the_row_is_written(redis: Redis) -> None:
    held = Held.by(full())

    await settle(redis, held, settlement(30))

    assert ["30"] == [row["spend"] for row in await ledger(redis)]
    assert {"ledger:0", f"hold:{held.request_id}"} == (await everything(redis)).keys()


async def test_a_later_period_is_not_charged_for_an_earlier_one(redis: Redis) -> None:
    await given_counter(redis)
    old = await given_hold(redis, full())
    await given_hold(redis, plan(budgets=[budget(since=SINCE + 1)], reservation=8))

    await settle(redis, old, settlement(30))

    assert (SINCE + 1, 0, 8) == await counter(redis)
    assert f"\n{COUNTER}\n{SINCE}\n" in (await ledger(redis))[0]["budgets"]


async def test_a_counter_that_missed_the_new_period_is_made_anew(redis: Redis) -> None:
    """A fail-over may lose the admit that began a period; the ledger has the row all the same."""
    await given_counter(redis, spent=70, reserved=5)
    held = Held.by(plan(budgets=[budget(since=SINCE + 1)]))

    await settle(redis, held, settlement(30))
    await seed(redis, "0-0", [known(since=SINCE + 1, spent=0)])

    assert (SINCE + 1, 30, 0) == await counter(redis)


async def test_a_counter_made_while_the_call_ran_never_carried_its_reservation(
    redis: Redis,
) -> None:
    await given_counter(redis)
    held = await given_hold(redis, full())
    await redis.execute(["DEL", COUNTER])
    await seed(redis, "0-0", [known(since=SINCE, spent=100)])
    other = await given_hold(redis, full(reservation=8))

    await settle(redis, held, settlement(30))

    assert (SINCE, 130, 8) == await counter(redis)
    await settle(redis, other, settlement(1))
    assert (SINCE, 131, 0) == await counter(redis)


async def test_a_clock_that_steps_back_leaks_no_reservation(timed: TimedRedis) -> None:
    await seed(timed, "0-0", [known(since=SINCE, spent=0)])
    await timed.set_time(NOW_US - 5_000_000)
    held = await given_hold(timed, full())

    await settle(timed, held, settlement(30))

    assert (SINCE, 30, 0) == await counter(timed)


async def test_tokens_are_corrected_only_where_the_window_still_stands(redis: Redis) -> None:
    await given_counter(redis)
    held = await given_hold(redis, full())
    await redis.execute(["DEL", "ratelimit:key:k1:now"])

    await settle(redis, held, settlement(30))

    assert "ratelimit:key:k1:now" not in await everything(redis)


async def test_fewer_tokens_than_reserved_are_given_back(timed: TimedRedis) -> None:
    held = await given_hold(timed, plan(rates=[rate(tpm=1000)], tokens=400))

    await settle(timed, held, settlement(prompt_tokens=30, completion_tokens=40))

    window = await hash_of(timed, "ratelimit:key:k1:now")
    assert ("70", "70") == (window["tokens"], window["t20"])


async def test_an_attempt_that_cost_more_is_given_back_whole(redis: Redis) -> None:
    await given_counter(redis)
    the_plan = plan(budgets=[budget(), budget(TEAM_COUNTER, limit=None)], reservation=10)
    held = await given_hold(redis, the_plan)
    failed = Outcome(WINDOW, COOLDOWN, failed=True)
    await attempt(redis, the_plan, failed, number=2, candidates=[candidate(70, "d2")])

    await settle(redis, held, settlement(65))

    assert (SINCE, 65, 0) == await counter(redis)


async def test_the_outcome_of_the_last_deployment_is_booked(redis: Redis) -> None:
    held = await given_hold(redis, plan())

    await settle(redis, held, settlement(outcome=Outcome(WINDOW, COOLDOWN, failed=False)))

    window = (await everything(redis))[WINDOW]
    assert {"ended": "1", "failures": "0"} == window.value
    assert 115_000 < (window.expires_in or 0) <= 120_000


async def test_costs_over_the_reservation_are_charged(redis: Redis) -> None:
    await given_counter(redis)
    held = await given_hold(redis, full(reservation=50))

    await settle(redis, held, settlement(10**15 + 1))

    assert (SINCE, 10**15 + 1, 0) == await counter(redis)


async def test_a_row_of_any_text_comes_back_as_it_was(redis: Redis) -> None:
    row = '{"tag":"\\u0000 \n %s {} é✓"}'
    held = await given_hold(redis, plan())

    await settle(redis, held, replace(settlement(), row=row))

    assert row == (await ledger(redis))[0]["row"]
