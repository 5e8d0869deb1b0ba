"""Renew keeps a running call's hold and leases, and nothing else alive."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.storage.admission import renew, settle
from shared.storage.plans import HOLD_LIFE_MS
from tests.storage.given import (
    NOW_US,
    TimedRedis,
    everything,
    given_hold,
    given_overdue,
    lease,
    plan,
    settlement,
)

if TYPE_CHECKING:
    from shared.storage.redis import Redis

RUNNING = plan("r1", leases=[lease(5), lease(5, of="team:t1")])
LATER_US = NOW_US + 60_000_000
LATER = str(LATER_US // 1000 + HOLD_LIFE_MS)


async def test_the_hold_and_its_leases_live_on(timed: TimedRedis) -> None:
    await given_hold(timed, RUNNING)
    await timed.set_time(LATER_US)

    assert await renew(timed, RUNNING)

    after = await everything(timed)
    assert {"r1": LATER} == after["holds:0"].value
    for key in ("parallel:key:k1", "parallel:team:t1"):
        assert {"r1": LATER} == after[key].value
        assert HOLD_LIFE_MS - 5000 < (after[key].expires_in or 0) <= HOLD_LIFE_MS


async def test_renewing_twice_changes_nothing_more(timed: TimedRedis) -> None:
    await given_hold(timed, RUNNING)
    await renew(timed, RUNNING)
    before = await everything(timed)

    assert await renew(timed, RUNNING)

    assert before == await everything(timed)


@pytest.mark.parametrize("mode", ["settle", "lost"])
async def test_an_ended_hold_stays_ended(redis: Redis, mode: str) -> None:
    held = await given_hold(redis, RUNNING)
    await given_overdue(redis, held)
    await settle(redis, held, settlement(), mode="lost" if mode == "lost" else "settle")
    before = await everything(redis)

    assert not await renew(redis, RUNNING)

    assert before == await everything(redis)


async def test_what_is_not_held_is_not_made(redis: Redis) -> None:
    assert not await renew(redis, RUNNING)

    assert {} == await everything(redis)


async def test_a_lease_that_was_pruned_is_taken_again(timed: TimedRedis) -> None:
    await given_hold(timed, RUNNING)
    await timed.execute(["DEL", "parallel:key:k1", "holds:0"])
    await timed.set_time(LATER_US)

    await renew(timed, RUNNING)

    after = await everything(timed)
    assert {"r1": LATER} == after["parallel:key:k1"].value
    assert after["parallel:key:k1"].expires
    assert {"r1": LATER} == after["holds:0"].value
