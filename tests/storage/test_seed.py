"""Seed makes missing counters of what Postgres knew and of the rows that came after."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.storage import admission
from shared.storage.admission import LEDGER, LEDGER_POSITION, Held, seed, settle
from shared.storage.redis import RedisRefused
from tests.storage.given import (
    COUNTER,
    SINCE,
    TEAM_COUNTER,
    budget,
    correction_of,
    counter,
    everything,
    given_counter,
    given_hold,
    given_overdue,
    hash_of,
    known,
    plan,
    settlement,
)

if TYPE_CHECKING:
    from shared.storage.redis import Redis


async def given_row(redis: Redis, spend: int, *keys: str, since: int = SINCE) -> str:
    """Append a settled call's row and return its place in the stream."""
    lines = [budget(key, since=since, limit=None) for key in keys]
    await settle(redis, Held.by(plan(budgets=lines)), settlement(spend))
    entries = await redis.execute(["XREVRANGE", LEDGER, "+", "-", "COUNT", 1])
    assert isinstance(entries, list)
    assert isinstance(entries[0], list)
    return str(entries[0][0])


async def test_rows_after_the_position_are_added_to_what_postgres_knew(redis: Redis) -> None:
    drained = await given_row(redis, 1000, COUNTER)
    await given_row(redis, 30, COUNTER, TEAM_COUNTER)
    await given_row(redis, 4, TEAM_COUNTER)
    await given_row(redis, 500, "budget:key:k1:-x", "x" + COUNTER)
    await given_row(redis, 600, COUNTER, since=SINCE - 1)

    is_made = await seed(redis, drained, [known(100), known(200, key=TEAM_COUNTER)])

    assert is_made
    assert (SINCE, 130, 0) == await counter(redis)
    assert (SINCE, 234, 0) == await counter(redis, TEAM_COUNTER)


async def test_rows_of_a_later_period_lie_in_one_that_began_earlier_too(redis: Redis) -> None:
    """So it is when a calendar is changed while they wait."""
    await given_counter(redis, spent=5, since=SINCE + 1)
    await given_row(redis, 30, COUNTER, since=SINCE + 1)

    await seed(redis, "0-0", [known(100)])

    assert (SINCE, 130, 0) == await counter(redis)


async def test_a_correction_on_its_way_is_added_with_its_sign(redis: Redis) -> None:
    await given_counter(redis)
    held = await given_hold(redis, plan(budgets=[budget()], reservation=50))
    await given_overdue(redis, held)
    await settle(redis, held, settlement(), mode="lost")
    await settle(redis, held, settlement(20, correction=correction_of(held)))
    await redis.execute(["DEL", COUNTER])

    await seed(redis, "0-0", [known(7)])

    assert (SINCE, 27, 0) == await counter(redis)


async def test_a_counter_that_stands_is_left_alone(redis: Redis) -> None:
    await given_counter(redis, spent=5, reserved=6)
    await given_row(redis, 30, TEAM_COUNTER)
    before = await everything(redis)

    assert await seed(redis, "0-0", [known(100)])

    assert before == await everything(redis)


async def test_seeding_twice_adds_once(redis: Redis) -> None:
    await given_row(redis, 30, COUNTER)
    await seed(redis, "0-0", [known(100)])
    before = await everything(redis)

    assert await seed(redis, "0-0", [known(100)])

    assert before == await everything(redis)


async def test_a_counter_of_an_earlier_period_is_left_to_the_next_admit(redis: Redis) -> None:
    await given_counter(redis, spent=5, since=SINCE - 1)

    await seed(redis, "0-0", [known(100)])

    assert (SINCE - 1, 5, 0) == await counter(redis)


async def test_a_counter_of_a_later_period_than_postgres_knows_is_replaced(
    redis: Redis,
) -> None:
    await given_counter(redis, spent=5, reserved=1, since=SINCE + 1)

    await seed(redis, "0-0", [known(100)])

    assert (SINCE, 100, 0) == await counter(redis)


@pytest.mark.parametrize(
    ("snapshot", "drained", "is_made"),
    [
        ("5-1", "5-1", True),
        ("5-2", "5-1", True),
        ("5-1", "5-2", False),
        ("5-9", "5-10", False),
        ("999-0", "1000-0", False),
        ("1000-0", "999-5", True),
        ("1000-0", None, True),
    ],
)
async def test_a_snapshot_behind_the_drain_must_be_taken_anew(
    redis: Redis, snapshot: str, drained: str | None, *, is_made: bool
) -> None:
    if drained:
        await redis.execute(["SET", LEDGER_POSITION, drained])
    before = await everything(redis)

    assert is_made == await seed(redis, snapshot, [known(100)])

    assert is_made == bool(await hash_of(redis, COUNTER))
    assert is_made or before == await everything(redis)


async def test_too_many_rows_on_their_way_are_refused(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admission, "MAX_ROWS_TO_SEED_FROM", 3)
    for _ in range(3):
        await given_row(redis, 1, COUNTER)
    assert await seed(redis, "0-0", [known(0)])
    await redis.execute(["DEL", COUNTER])
    await given_row(redis, 1, COUNTER)

    with pytest.raises(RedisRefused, match="behind"):
        await seed(redis, "0-0", [known(0)])

    assert {} == await hash_of(redis, COUNTER)


async def test_a_counter_never_expires(redis: Redis) -> None:
    await seed(redis, "0-0", [known(100)])

    assert not (await everything(redis))[COUNTER].expires


@pytest.mark.parametrize("amount", [10**14, 10**15 + 1, 2**60 + 1])
async def test_large_amounts_stay_exact(redis: Redis, amount: int) -> None:
    await given_row(redis, 10**14 + 1, COUNTER)

    await seed(redis, "0-0", [known(amount)])

    assert (SINCE, amount + 10**14 + 1, 0) == await counter(redis)


async def test_two_counters_made_at_once_carry_no_hold_of_each_other(redis: Redis) -> None:
    await seed(redis, "0-0", [known(0)])
    first = (await hash_of(redis, COUNTER))["mark"]
    await redis.execute(["DEL", COUNTER])

    await seed(redis, "0-0", [known(0)])

    assert first != (await hash_of(redis, COUNTER))["mark"]
