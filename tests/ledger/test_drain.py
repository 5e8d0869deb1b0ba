"""Whatever dies and whatever comes twice, every row is booked exactly once."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.domain import JsonObject, Millis, Nanodollars, Scope
from shared.errors import PostgresDown, RedisDown
from shared.ledger import drain as draining
from shared.ledger.drain import DrainReport, drain
from shared.spend.ids import uuid7
from shared.storage import stream
from shared.storage.seeds import budget_seeds
from shared.storage.stores import Stores
from tests.ledger.rows import ENTITIES, NOON, SINCE, a_row, append, balanced, books, column

if TYPE_CHECKING:
    import psycopg

    from local.door.server import DoorThread
    from shared.settings import Settings
    from shared.storage.spend_rows import SpendRow

NOW = Millis(NOON + 1_000)


async def drain_patiently(stores: Stores) -> None:
    """Drain until nothing waits, through failures."""
    while await stream.length(stores.redis):
        with suppress(RedisDown, PostgresDown):
            await drain(stores, NOW)


async def drain_and_die_before_trimming(stores: Stores, door: DoorThread) -> None:
    door.faults.add("drop_before", times=None, command="EVALSHA")
    with pytest.raises(RedisDown):
        await drain(stores, NOW)
    door.faults.clear()


async def position(stores: Stores) -> str:
    return (await budget_seeds(stores.postgres, [])).position


async def last_id(stores: Stores) -> str:
    return (await stream.read(stores.redis, 10_000))[-1].stream_id


async def test_an_empty_stream_is_no_work(stores: Stores) -> None:
    assert DrainReport(0, 0, Nanodollars(0), 0, 0) == await drain(stores, NOW)


async def test_the_report_tells_what_was_booked(stores: Stores, direct: psycopg.Connection) -> None:
    await append(stores, a_row(5), a_row(7))

    report = await drain(stores, NOW)

    assert DrainReport(read=2, booked=2, spend=Nanodollars(12), parked=0, waiting=0) == report
    assert balanced(2, 12) == books(direct)


async def test_a_long_stream_is_drained_in_batches(
    stores: Stores, direct: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(draining, "BATCH", 10)
    await append(stores, *(a_row(1) for _ in range(25)))

    report = await drain(stores, NOW)

    assert (25, 25, 0) == (report.read, report.booked, report.waiting)
    assert balanced(25, 25) == books(direct)


async def test_a_full_batch_of_a_thousand_is_one_transaction(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await append(stores, *(a_row(1, api_key=f"k{n % 7}") for n in range(1_000)))

    report = await drain(stores, NOW)

    assert (1_000, 0) == (report.booked, report.waiting)
    assert (1_000, 1_000) == books(direct)[:2]


async def test_a_row_delivered_twice_is_booked_once(
    stores: Stores, direct: psycopg.Connection
) -> None:
    row = a_row(5)
    await append(stores, row, row)
    await drain(stores, NOW)
    await append(stores, row)

    report = await drain(stores, NOW)

    assert (1, 0) == (report.read, report.booked)
    assert balanced(1, 5) == books(direct)


async def test_a_crash_between_commit_and_trim_books_nothing_twice(
    stores: Stores, direct: psycopg.Connection, door: DoorThread
) -> None:
    await append(stores, a_row(5), a_row(7))
    await drain_and_die_before_trimming(stores, door)

    report = await drain(stores, NOW)

    assert (2, 0, 0) == (report.read, report.booked, report.waiting)
    assert balanced(2, 12) == books(direct)


async def test_rows_that_come_after_a_crash_are_booked_beside_those_known(
    stores: Stores, direct: psycopg.Connection, door: DoorThread
) -> None:
    await append(stores, a_row(5))
    await drain_and_die_before_trimming(stores, door)
    await append(stores, a_row(7))

    report = await drain(stores, NOW)

    assert (2, 1) == (report.read, report.booked)
    assert balanced(2, 12) == books(direct)


async def test_a_stream_that_cannot_be_read_changes_nothing(
    stores: Stores, direct: psycopg.Connection, door: DoorThread
) -> None:
    await append(stores, a_row(5))
    door.faults.add("drop_before", times=None, command="XRANGE")

    with pytest.raises(RedisDown):
        await drain(stores, NOW)

    door.faults.clear()
    assert balanced(0, 0) == books(direct)
    assert 1 == await stream.length(stores.redis)


async def test_a_session_killed_while_it_books_is_no_loss(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await append(stores, a_row(5))
    direct.execute(
        """
        create function die() returns trigger language plpgsql as
        $$ begin perform pg_terminate_backend(pg_backend_pid()); return new; end $$
        """
    )
    direct.execute(
        "create trigger die before insert on litellm_dailytagspend execute function die()"
    )
    with pytest.raises(PostgresDown):
        await drain(stores, NOW)
    before = books(direct)
    direct.execute("drop trigger die on litellm_dailytagspend")

    await drain(stores, NOW)

    assert balanced(0, 0) == before
    assert balanced(1, 5) == books(direct)


async def test_six_drains_at_once_book_every_row_once(
    settings: Settings,
    stores: Stores,
    direct: psycopg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(draining, "BATCH", 20)
    await append(stores, *(a_row(3) for _ in range(200)))

    async with AsyncExitStack() as stack:
        drainers = [Stores.open(settings) for _ in range(6)]
        for drainer in drainers:
            stack.push_async_callback(drainer.close)
        await asyncio.gather(*(drain_patiently(drainer) for drainer in drainers))

    assert balanced(200, 600) == books(direct)


async def test_six_drains_at_once_through_lost_calls_book_every_row_once(
    settings: Settings,
    stores: Stores,
    direct: psycopg.Connection,
    door: DoorThread,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(draining, "BATCH", 20)
    await append(stores, *(a_row(3) for _ in range(100)))
    for kind in ("drop_before", "drop_after", "status_500"):
        door.faults.add(kind, times=15, probability=0.3)

    async with AsyncExitStack() as stack:
        drainers = [Stores.open(settings) for _ in range(6)]
        for drainer in drainers:
            stack.push_async_callback(drainer.close)
        await asyncio.gather(
            *(drain_patiently_through_faults(drainer) for drainer in drainers),
        )

    assert balanced(100, 300) == books(direct)


async def drain_patiently_through_faults(stores: Stores) -> None:
    is_empty = False
    while not is_empty:
        with suppress(RedisDown, PostgresDown):
            report = await drain(stores, NOW)
            is_empty = report.waiting == 0


async def test_while_another_drains_there_is_nothing_to_do(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await append(stores, a_row(5))
    with direct.transaction():
        direct.execute("select pg_advisory_xact_lock(hashtext('tollgate drain'), 0)")

        report = await drain(stores, NOW)

    assert DrainReport(read=0, booked=0, spend=Nanodollars(0), parked=0, waiting=1) == report


async def test_the_position_is_the_last_entry_in_both_stores(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await append(stores, a_row(5), a_row(7))
    last = await last_id(stores)

    await drain(stores, NOW)

    assert balanced(2, 12) == books(direct)
    assert last == await position(stores)
    assert last == await stores.redis.execute(["GET", "ledger:0:position"])


async def test_redis_that_lost_everything_starts_a_new_stream(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await append(stores, a_row(5))
    await drain(stores, NOW)
    await stores.redis.execute(["FLUSHALL"])
    await append(stores, a_row(7))

    await drain(stores, NOW)

    assert balanced(2, 12) == books(direct)


@pytest.mark.parametrize("scope", ENTITIES)
@pytest.mark.parametrize(
    ("since", "expected"),
    [
        (SINCE - 1, (1_000_000_000, 250_000_000, SINCE)),
        (SINCE, (1_000_000_005, 250_000_000, SINCE)),
        (SINCE + 1, (5, 0, SINCE + 1)),
    ],
    ids=["older", "equal", "newer"],
)
async def test_periods_merge_by_one_rule(
    stores: Stores,
    direct: psycopg.Connection,
    scope: Scope,
    since: int,
    expected: tuple[int, int, int],
) -> None:
    await append(stores, a_row(5, since=since))

    await drain(stores, NOW)

    assert expected == column(direct, scope)


POISON: dict[str, JsonObject] = {
    "nul": {"metadata": {"status": "success", "note": "a\0b"}},
    "nul in a tag": {"request_tags": ["\0"]},
    "too long for an index": {"model": "".join(uuid7(NOON) for _ in range(500))},
}


def poisoned(spend: int, details: JsonObject) -> SpendRow:
    row = a_row(spend)
    return replace(row, details={**row.details, **details})


@pytest.mark.parametrize("details", POISON.values(), ids=POISON)
async def test_poison_in_texts_is_booked_bare_and_parked_whole(
    stores: Stores, direct: psycopg.Connection, details: JsonObject
) -> None:
    rows = [a_row(1) for _ in range(8)]
    await append(stores, *rows[:5], poisoned(100, details), *rows[5:])
    (poison,) = (await stream.read(stores.redis, 6))[5:]

    report = await drain(stores, NOW)

    assert (9, 9, 1, 0) == (report.read, report.booked, report.parked, report.waiting)
    assert balanced(9, 108) == books(direct)
    parked = direct.execute("select stream_id, entry, is_booked from litellm_parkedspendlogs")
    assert [(poison.stream_id, poison.raw(), True)] == parked.fetchall()


@pytest.mark.parametrize(
    ("row", "sqlstate"),
    [
        (a_row(10**40), "22003"),
        (a_row(api_key=None), "23502"),
        (a_row(-(10**10)), "23514"),
        (a_row(since=10**18), "22008"),
    ],
    ids=["overflow", "nobody", "below nothing", "no such time"],
)
async def test_poison_that_is_no_row_is_parked_and_blocks_nothing(
    stores: Stores, direct: psycopg.Connection, row: SpendRow, sqlstate: str
) -> None:
    await append(stores, a_row(1), row, a_row(1))

    report = await drain(stores, NOW)

    assert (3, 2, 1, 0) == (report.read, report.booked, report.parked, report.waiting)
    assert 1 == (await drain(stores, NOW)).standing
    assert balanced(2, 2) == books(direct)
    parked = direct.execute("select sqlstate, is_booked from litellm_parkedspendlogs")
    assert [(sqlstate, False)] == parked.fetchall()


async def test_an_entry_that_is_not_even_a_row_is_parked(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await stores.redis.execute(["XADD", "ledger:0", "*", "no", "row"])
    await append(stores, a_row(1))

    report = await drain(stores, NOW)

    assert (2, 1, 1, 0) == (report.read, report.booked, report.parked, report.waiting)
    assert balanced(1, 1) == books(direct)


async def test_many_poisoned_rows_are_told_apart(
    stores: Stores, direct: psycopg.Connection
) -> None:
    rows = [poisoned(1, POISON["nul"]) if n % 9 == 4 else a_row(1) for n in range(64)]
    await append(stores, *rows)

    report = await drain(stores, NOW)

    assert (64, 7) == (report.booked, report.parked)
    assert balanced(64, 64) == books(direct)


async def test_what_is_parked_and_delivered_again_is_parked_once(
    stores: Stores, direct: psycopg.Connection, door: DoorThread
) -> None:
    await append(stores, a_row(10**30))
    await drain_and_die_before_trimming(stores, door)

    await drain(stores, NOW)

    assert [(1,)] == direct.execute("select count(*) from litellm_parkedspendlogs").fetchall()


async def test_a_row_that_says_nothing_of_its_end_is_booked(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await append(stores, a_row(5, metadata={}))

    report = await drain(stores, NOW)

    assert (1, 0) == (report.booked, report.parked)
    assert balanced(1, 5) == books(direct)
