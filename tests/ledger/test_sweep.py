"""Holds of functions that died become lost rows, once, and never against what Postgres knows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.ledger.sweep import SweepReport, sweep
from shared.spend.ids import correction_id
from shared.storage import spend_rows
from shared.storage.admission import Held, settle
from tests.ledger.rows import NOON, a_row
from tests.storage.given import (
    COUNTER,
    LOST_ROW,
    SINCE,
    budget,
    counter,
    everything,
    given_counter,
    given_hold,
    given_overdue,
    ledger,
    plan,
    settlement,
)

if TYPE_CHECKING:
    import psycopg

    from shared.storage.plans import Plan
    from shared.storage.stores import Stores


def call(reservation: int = 50, request_id: str | None = None) -> Plan:
    return plan(request_id, budgets=[budget()], reservation=reservation)


async def given_dead(stores: Stores, *plans: Plan) -> list[Held]:
    held = [await given_hold(stores.redis, each) for each in plans]
    await given_overdue(stores.redis, *held)
    return held


async def test_only_what_is_overdue_is_lost_at_its_reservation(stores: Stores) -> None:
    await given_counter(stores.redis)
    (dead,) = await given_dead(stores, call(50))
    await given_hold(stores.redis, call(7))

    report = await sweep(stores, NOON)

    assert SweepReport(lost=1, booked=0, holds=1) == report
    assert (SINCE, 50, 7) == await counter(stores.redis)
    (row,) = await ledger(stores.redis)
    assert (dead.request_id, "50", LOST_ROW) == (row["id"], row["spend"], row["row"])


async def test_a_row_that_was_booked_past_redis_is_charged_and_not_written_again(
    stores: Stores, direct: psycopg.Connection
) -> None:
    assert direct
    await given_counter(stores.redis)
    row = a_row(33)
    await given_dead(stores, call(50, request_id=row.id), call(7))
    await spend_rows.book(stores.postgres, [row])

    report = await sweep(stores, NOON)

    assert SweepReport(lost=1, booked=1) == report
    assert (SINCE, 33 + 7, 0) == await counter(stores.redis)
    assert ["7"] == [each["spend"] for each in await ledger(stores.redis)]


async def test_sweeping_again_changes_nothing(stores: Stores) -> None:
    await given_counter(stores.redis)
    await given_dead(stores, call(), call())
    await sweep(stores, NOON)
    before = await everything(stores.redis)

    assert SweepReport() == await sweep(stores, NOON)

    assert before == await everything(stores.redis)


async def test_sweepers_at_once_and_late_settles_book_every_call_once(stores: Stores) -> None:
    await given_counter(stores.redis)
    dead = await given_dead(stores, *(call(10) for _ in range(40)))
    late = [
        settle(stores.redis, held, settlement(3, correction=correction_id(held.request_id)))
        for held in dead[:20]
    ]

    *_, first, second, third = await asyncio.gather(*late, *(sweep(stores, NOON) for _ in "123"))

    assert isinstance(first, SweepReport)
    assert isinstance(second, SweepReport)
    assert isinstance(third, SweepReport)
    assert 20 <= first.lost + second.lost + third.lost <= 40
    rows = await ledger(stores.redis)
    assert 20 * 3 + 20 * 10 == sum(int(row["spend"]) for row in rows)
    assert (SINCE, 20 * 3 + 20 * 10, 0) == await counter(stores.redis)
    assert len(rows) == len({row["id"] for row in rows})
    assert "holds:0" not in await everything(stores.redis)


async def test_more_than_one_batch_is_swept(stores: Stores) -> None:
    await given_counter(stores.redis)
    await given_dead(stores, *(call(1) for _ in range(205)))

    assert SweepReport(lost=205) == await sweep(stores, NOON)

    assert (SINCE, 205, 0) == await counter(stores.redis)


async def test_one_hold_that_cannot_end_does_not_keep_the_others(stores: Stores) -> None:
    await given_counter(stores.redis)
    stuck = plan(budgets=[budget("text", limit=None)])
    await given_dead(stores, stuck, call(5))
    await stores.redis.execute(["SET", "text", "not a counter"])
    await stores.redis.execute(["ZADD", "holds:0", 0, stuck.request_id])

    assert SweepReport(lost=1, holds=1) == await sweep(stores, NOON)

    assert (SINCE, 5, 0) == await counter(stores.redis, COUNTER)


async def test_a_call_whose_row_is_in_postgres_is_over_whatever_its_deadline(
    stores: Stores, direct: psycopg.Connection
) -> None:
    assert direct
    await given_counter(stores.redis)
    row = a_row(33)
    await given_hold(stores.redis, call(50, request_id=row.id))
    await given_hold(stores.redis, call(7))
    await spend_rows.book(stores.postgres, [row])

    report = await sweep(stores, NOON)

    assert SweepReport(booked=1, holds=1) == report
    assert (SINCE, 33, 7) == await counter(stores.redis)
    assert [] == await ledger(stores.redis)
