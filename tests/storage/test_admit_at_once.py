"""Many calls at the same moment: nothing is overspent, nothing is left unused that would fit."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.storage.admission import Admitted, Held, NoBudget, NoLease, admit, settle
from tests.storage.given import (
    DOLLAR,
    SINCE,
    TEAM_COUNTER,
    budget,
    counter,
    everything,
    given_counter,
    lease,
    ledger,
    plan,
    settlement,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.admission import AdmitReply
    from shared.storage.plans import Plan
    from shared.storage.redis import Redis

CENT = DOLLAR // 100


async def admitted(redis: Redis, plans: Sequence[Plan]) -> list[Plan]:
    """Admit all at once and return those that hold their room."""
    replies: list[AdmitReply] = await asyncio.gather(*(admit(redis, each) for each in plans))
    return [each for each, reply in zip(plans, replies, strict=True) if isinstance(reply, Admitted)]


@pytest.mark.parametrize("concurrency", [10, 50, 200])
async def test_a_dollar_is_never_overspent(redis: Redis, concurrency: int) -> None:
    await given_counter(redis)
    plans = [plan(budgets=[budget()], reservation=3 * CENT) for _ in range(concurrency)]

    holding = await admitted(redis, plans)

    assert min(concurrency, 33) == len(holding)
    assert (SINCE, 0, len(holding) * 3 * CENT) == await counter(redis)
    await asyncio.gather(*(settle(redis, Held.by(p), settlement(3 * CENT)) for p in holding))
    assert (SINCE, len(holding) * 3 * CENT, 0) == await counter(redis)
    assert DOLLAR >= sum(int(row["spend"]) for row in await ledger(redis))


@pytest.mark.parametrize("concurrency", [10, 50, 200])
async def test_calls_that_settle_while_others_come_never_overspend(
    redis: Redis, concurrency: int
) -> None:
    await given_counter(redis)

    async def serve(cost: int) -> None:
        call = plan(budgets=[budget(at_limit=False)], reservation=2 * CENT)
        if isinstance(await admit(redis, call), Admitted):
            await settle(redis, Held.by(call), settlement(cost))

    await asyncio.gather(*(serve(i * CENT // 100) for i in range(concurrency)))

    _, spent, reserved = await counter(redis)
    assert 0 == reserved
    assert spent == sum(int(row["spend"]) for row in await ledger(redis))
    assert spent <= DOLLAR


async def test_two_budgets_hold_at_once_and_none_is_taken_half(redis: Redis) -> None:
    await given_counter(redis)
    await given_counter(redis, TEAM_COUNTER)
    of_both = [
        plan(budgets=[budget(), budget(TEAM_COUNTER, limit=DOLLAR // 2)], reservation=CENT)
        for _ in range(60)
    ]
    of_key = [plan(budgets=[budget()], reservation=CENT) for _ in range(60)]

    holding = await admitted(redis, [p for pair in zip(of_both, of_key, strict=True) for p in pair])

    team = sum(len(p.budgets) == 2 for p in holding)
    assert 100 == len(holding)
    assert team <= 50
    assert (SINCE, 0, len(holding) * CENT) == await counter(redis)
    assert (SINCE, 0, team * CENT) == await counter(redis, TEAM_COUNTER)


async def test_a_new_period_begins_once(redis: Redis) -> None:
    await given_counter(redis, spent=DOLLAR, since=SINCE - 1)
    plans = [plan(budgets=[budget(opening=CENT)], reservation=3 * CENT) for _ in range(100)]

    holding = await admitted(redis, plans)

    assert 33 == len(holding)
    assert (SINCE, CENT, 99 * CENT) == await counter(redis)


@pytest.mark.parametrize("limit", [1, 7])
async def test_no_more_run_in_parallel_than_allowed(redis: Redis, limit: int) -> None:
    plans = [plan(leases=[lease(limit), lease(100, of="team:t1")]) for _ in range(50)]

    holding = await admitted(redis, plans)

    assert limit == len(holding)
    again = [plan(leases=[lease(limit)]) for _ in range(50)]
    assert [] == await admitted(redis, again)
    await asyncio.gather(*(settle(redis, Held.by(each), settlement()) for each in holding))
    assert limit == len(await admitted(redis, again))
    assert "parallel:team:t1" not in await everything(redis)


async def test_the_same_request_at_once_holds_once(redis: Redis) -> None:
    await given_counter(redis)
    call = plan(budgets=[budget()], leases=[lease(1)], reservation=CENT)

    await admitted(redis, [call] * 20)

    assert (SINCE, 0, CENT) == await counter(redis)


async def test_who_is_refused_learns_why(redis: Redis) -> None:
    await given_counter(redis)
    call = plan(budgets=[budget(limit=CENT)], leases=[lease(1)], reservation=CENT)
    await admit(redis, call)

    assert isinstance(
        await admit(redis, plan(budgets=call.budgets, leases=call.leases, reservation=CENT)),
        NoBudget,
    )
    assert isinstance(await admit(redis, plan(leases=call.leases)), NoLease)
