"""What a function left behind when it died, found by Redis's clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.storage.admission import HOLDS, settle
from shared.storage.attempts import attempt
from shared.storage.holds import due
from shared.storage.plans import HOLD_LIFE_MS, Outcome
from tests.storage.given import (
    LOST_ROW,
    NOW_US,
    TimedRedis,
    budget,
    candidate,
    everything,
    given_counter,
    given_hold,
    given_overdue,
    lease,
    plan,
    rate,
    settlement,
)

if TYPE_CHECKING:
    from shared.storage.redis import Redis


async def test_a_hold_is_due_when_its_deadline_has_passed_and_not_before(
    timed: TimedRedis,
) -> None:
    held = await given_hold(timed, plan())
    await timed.set_time(NOW_US + HOLD_LIFE_MS * 1000 - 1000)
    early = await due(timed, 10)
    await timed.set_time(NOW_US + HOLD_LIFE_MS * 1000 + 1_000_000)

    late = await due(timed, 10)

    assert [] == early
    assert [held] == [dead.held for dead in late]


async def test_a_dead_hold_remembers_everything_it_stood_in(redis: Redis) -> None:
    await given_counter(redis)
    dying = plan(
        budgets=[budget(), budget("budget:team:t1:-", limit=None)],
        rates=[rate(rpm=1), rate(tpm=900, of="team:t1")],
        leases=[lease(1), lease(1, of="team:t1")],
        reservation=10,
    )
    held = await given_hold(redis, dying)
    failed = Outcome("ratelimit:deployment:d1:now", "cooldown:d1", failed=True)
    await attempt(redis, dying, failed, number=2, candidates=[candidate(70, "d2")])
    await given_overdue(redis, held)

    (dead,) = await due(redis, 10)

    assert (held, 70, LOST_ROW) == (dead.held, dead.reserved, dead.row)


async def test_a_hold_without_limits_is_found_too(redis: Redis) -> None:
    held = await given_hold(redis, plan())
    await given_overdue(redis, held)

    (dead,) = await due(redis, 10)

    assert ((), (), ()) == (dead.held.budgets, dead.held.window_keys, dead.held.lease_keys)


async def test_the_oldest_come_first_and_no_more_than_asked_for(redis: Redis) -> None:
    for i in (3, 1, 2):
        await given_hold(redis, plan(f"r{i}"))
        await redis.execute(["ZADD", HOLDS, "XX", i, f"r{i}"])

    dead = await due(redis, 2)

    assert ["r1", "r2"] == [each.held.request_id for each in dead]


async def test_what_is_not_held_any_more_leaves_the_queue(redis: Redis) -> None:
    settled = await given_hold(redis, plan("settled"))
    await settle(redis, settled, settlement())
    await redis.execute(["ZADD", HOLDS, 1, "settled", 2, "vanished"])

    assert [] == await due(redis, 10)

    assert HOLDS not in await everything(redis)
