"""What the sweeper ends, and what comes after it: charged once, corrected once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.storage.admission import Held, renew, seed, settle
from shared.storage.holds import due
from tests.storage.given import (
    COUNTER,
    LOST_ROW,
    SINCE,
    budget,
    correction_of,
    counter,
    everything,
    full,
    given_counter,
    given_hold,
    given_overdue,
    known,
    ledger,
    plan,
    settlement,
)

if TYPE_CHECKING:
    from shared.storage.redis import Redis


async def test_a_lost_call_is_charged_what_it_reserved(redis: Redis) -> None:
    await given_counter(redis, spent=7)
    held = await given_hold(redis, full("dead"))
    await given_overdue(redis, held)
    (dead,) = await due(redis, 10)

    assert await settle(redis, dead.held, settlement(999), mode="lost")

    assert (SINCE, 57, 0) == await counter(redis)
    (row,) = await ledger(redis)
    assert ("dead", "50", "11", "22") == (
        row["id"],
        row["spend"],
        row["prompt_tokens"],
        row["completion_tokens"],
    )
    assert LOST_ROW == dead.row
    assert not {"holds:0", "parallel:key:k1"} & (await everything(redis)).keys()


@pytest.mark.parametrize("cost", [20, 50, 80])
async def test_a_late_settle_of_a_lost_call_is_one_signed_correction(
    redis: Redis, cost: int
) -> None:
    await given_counter(redis)
    held = await given_hold(redis, full())
    await given_overdue(redis, held)
    await settle(redis, held, settlement(), mode="lost")
    late = settlement(cost, correction=correction_of(held))

    first = await settle(redis, held, late)
    before = await everything(redis)
    again = [await settle(redis, held, late, mode=mode) for mode in ("settle", "lost", "booked")]

    assert (True, [False] * 3) == (first, again)
    assert (SINCE, cost, 0) == await counter(redis)
    lost, correction = await ledger(redis)
    assert (held.request_id, correction_of(held)) == (lost["id"], correction["id"])
    assert (None, held.request_id) == (lost.get("corrects"), correction["corrects"])
    assert cost == int(lost["spend"]) + int(correction["spend"])
    assert 3 == int(lost["prompt_tokens"]) + int(correction["prompt_tokens"])
    assert 4 == int(lost["completion_tokens"]) + int(correction["completion_tokens"])
    assert before == await everything(redis)
    assert before[f"hold:{held.request_id}"].expires


async def test_a_correction_leaves_a_later_period_alone(redis: Redis) -> None:
    await given_counter(redis)
    held = await given_hold(redis, full())
    await given_overdue(redis, held)
    await settle(redis, held, settlement(), mode="lost")
    await given_hold(redis, plan(budgets=[budget(since=SINCE + 1)]))

    await settle(redis, held, settlement(80))

    assert (SINCE + 1, 0, 0) == await counter(redis)
    assert ["50", "30"] == [row["spend"] for row in await ledger(redis)]


async def test_a_call_that_was_renewed_meanwhile_is_not_lost(redis: Redis) -> None:
    await given_counter(redis)
    running = full()
    held = await given_hold(redis, running)
    await given_overdue(redis, held)
    (dead,) = await due(redis, 10)
    assert await renew(redis, running)
    before = await everything(redis)

    assert not await settle(redis, dead.held, settlement(), mode="lost")

    assert before == await everything(redis)


async def test_of_settle_and_sweeps_at_once_every_call_ends_once(redis: Redis) -> None:
    await given_counter(redis)
    held = [await given_hold(redis, plan(budgets=[budget()], reservation=10)) for _ in range(30)]
    await given_overdue(redis, *held)
    dead = [each.held for each in await due(redis, 100)]

    await asyncio.gather(
        *(settle(redis, each, settlement(), mode="lost") for each in dead * 2),
        *(settle(redis, each, settlement(3, correction=correction_of(each))) for each in held),
    )

    rows = await ledger(redis)
    assert 90 == sum(int(row["spend"]) for row in rows)
    assert (SINCE, 90, 0) == await counter(redis)
    assert len(rows) == len({row["id"] for row in rows})


async def test_what_postgres_booked_is_charged_but_not_written_again(redis: Redis) -> None:
    await given_counter(redis)
    held = await given_hold(redis, full())

    assert await settle(redis, held, settlement(33), mode="booked")

    assert (SINCE, 33, 0) == await counter(redis)
    assert [] == await ledger(redis)
    assert not await settle(redis, held, settlement(33))


async def test_what_postgres_booked_is_not_charged_twice_to_a_counter_made_since(
    redis: Redis,
) -> None:
    await given_counter(redis)
    held = await given_hold(redis, full())
    await redis.execute(["DEL", COUNTER])
    await seed(redis, "0-0", [known(since=SINCE, spent=33)])

    await settle(redis, held, settlement(33), mode="booked")
    await seed(redis, "0-0", [known(since=SINCE, spent=33)])

    assert (SINCE, 33, 0) == await counter(redis)


@pytest.mark.parametrize("mode", ["lost", "booked"])
async def test_the_sweeper_does_nothing_to_what_never_was(redis: Redis, mode: str) -> None:
    await given_counter(redis)
    before = await everything(redis)
    held = Held.by(full())

    assert not await settle(redis, held, settlement(5), mode="lost" if mode == "lost" else "booked")

    assert before == await everything(redis)
