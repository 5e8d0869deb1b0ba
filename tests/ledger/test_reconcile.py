"""Counters that lack what the ledger says are found and mended, and no others are touched."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest

from shared.domain import Millis, Nanodollars, Scope
from shared.ledger.drain import drain
from shared.ledger.reconcile import ReconcileReport, reconcile
from shared.ledger.sweep import sweep
from shared.spend.ids import correction_id
from shared.storage import admission, spend_rows
from shared.storage.admission import CounterSeed, Held, seed, settle
from shared.storage.plans import Bearer
from tests.ledger.rows import NOON, SINCE, a_row, append
from tests.storage.given import (
    budget,
    counter,
    everything,
    given_counter,
    given_hold,
    given_overdue,
    plan,
    settlement,
)

if TYPE_CHECKING:
    import psycopg

    from shared.storage.plans import Plan
    from shared.storage.spend_rows import SpendRow
    from shared.storage.stores import Stores

TEAM = "budget:team:t:-"
KNOWN = 1_000_000_000
"""What the builders' entities have spent."""

KNOWN_TWICE = Nanodollars(2 * KNOWN)

AGREED = ReconcileReport()


def call(row: SpendRow, reservation: int = 50) -> Plan:
    """Lay out the call that a row is of: team t bears it."""
    made = plan(row.id, budgets=[budget(TEAM, since=SINCE, limit=None)], reservation=reservation)
    limited = replace(made, budgets=(replace(made.budgets[0], limit=Nanodollars(9 * KNOWN)),))
    return replace(limited, lost=replace(limited.lost, row=orjson.dumps(row.details).decode()))


async def settled(stores: Stores, row: SpendRow) -> None:
    """Admit and settle a call."""
    held = await given_hold(stores.redis, call(row))
    text = orjson.dumps(row.details).decode()
    await settle(stores.redis, held, replace(settlement(row.spend), row=text))


@pytest.fixture
async def agreed(stores: Stores, direct: psycopg.Connection) -> psycopg.Connection:
    """Begin with a counter that says what the team's column says."""
    await given_counter(stores.redis, TEAM, spent=KNOWN, since=SINCE)
    return direct


def spend_of_team(direct: psycopg.Connection) -> int:
    row = direct.execute("select spend * 1000000000 from litellm_teamtable").fetchone()
    assert row is not None
    return int(row[0])


async def test_counters_that_agree_are_left_alone(
    stores: Stores, agreed: psycopg.Connection
) -> None:
    assert agreed
    await settled(stores, a_row(5))
    await drain(stores, NOON)
    await settled(stores, a_row(7))
    before = await everything(stores.redis)

    report = await reconcile(stores, NOON)

    after = await everything(stores.redis)
    after.pop("ledger:0:reconciled")
    assert (AGREED, before) == (report, after)


@pytest.mark.parametrize("is_drained_first", [True, False])
async def test_a_lost_call_that_was_settled_in_postgres_alone_costs_what_it_cost(
    stores: Stores, agreed: psycopg.Connection, *, is_drained_first: bool
) -> None:
    row = a_row(20)
    await given_overdue(stores.redis, await given_hold(stores.redis, call(row, 50)))
    await sweep(stores, NOON)
    if is_drained_first:
        await drain(stores, NOON)
    await spend_rows.book_once(stores.postgres, row, correction_id(row.id))
    await drain(stores, NOON)

    report = await reconcile(stores, NOON)

    assert ReconcileReport(mended=1, drift=30e-9) == report
    assert (SINCE, KNOWN + 20, 0) == await counter(stores.redis, TEAM)
    assert KNOWN + 20 == spend_of_team(agreed)


async def test_a_row_that_is_in_both_stores_counts_once(
    stores: Stores, agreed: psycopg.Connection
) -> None:
    """Its settle was executed, but the reply was lost, so it was booked in Postgres as well."""
    assert agreed
    row = a_row(20)
    await settled(stores, row)
    await spend_rows.book(stores.postgres, [row])
    before = await counter(stores.redis, TEAM)

    first = await reconcile(stores, NOON)
    await drain(stores, NOON)
    second = await reconcile(stores, NOON)

    assert [AGREED, AGREED] == [first, second]
    assert before == await counter(stores.redis, TEAM) == (SINCE, KNOWN + 20, 0)


async def test_a_counter_made_while_a_row_was_in_both_stores_is_mended(
    stores: Stores, agreed: psycopg.Connection
) -> None:
    assert agreed
    row = a_row(20)
    await settled(stores, row)
    await spend_rows.book(stores.postgres, [row])
    await stores.redis.execute(["DEL", TEAM])
    await admission.seed(stores.redis, "0-0", [CounterSeed(TEAM, SINCE, Nanodollars(KNOWN + 20))])
    await drain(stores, NOON)

    report = await reconcile(stores, NOON)

    assert ReconcileReport(mended=1, drift=20e-9) == report
    assert (SINCE, KNOWN + 20, 0) == await counter(stores.redis, TEAM)


async def test_spend_that_was_changed_in_the_table_is_enforced(
    stores: Stores, agreed: psycopg.Connection
) -> None:
    agreed.execute("update litellm_teamtable set spend = 3")

    report = await reconcile(stores, NOON)

    assert ReconcileReport(mended=1, drift=2.0) == report
    assert (SINCE, 3 * KNOWN, 0) == await counter(stores.redis, TEAM)


async def test_a_reservation_outlives_the_mending(
    stores: Stores, agreed: psycopg.Connection
) -> None:
    agreed.execute("update litellm_teamtable set spend = 3")
    row = a_row(20)
    await given_hold(stores.redis, call(row, 50))

    await reconcile(stores, NOON)
    await settle(stores.redis, Held.by(call(row)), settlement(20))

    assert (SINCE, 3 * KNOWN + 20, 0) == await counter(stores.redis, TEAM)


async def test_a_call_that_was_booked_past_redis_is_charged_once(
    stores: Stores, agreed: psycopg.Connection
) -> None:
    assert agreed
    row = a_row(20)
    held = await given_hold(stores.redis, call(row, 50))
    await spend_rows.book(stores.postgres, [row])

    await reconcile(stores, NOON)
    await given_overdue(stores.redis, held)
    await sweep(stores, NOON)

    assert AGREED == await reconcile(stores, NOON)
    assert (SINCE, KNOWN + 20, 0) == await counter(stores.redis, TEAM)


async def test_a_counter_of_an_earlier_period_is_put_into_the_columns(
    stores: Stores, agreed: psycopg.Connection
) -> None:
    later = Millis(SINCE + 86_400_000)
    await append(stores, a_row(5, since=later))
    await drain(stores, NOON)

    report = await reconcile(stores, NOON)

    assert AGREED == report
    assert (later, 5, 0) == await counter(stores.redis, TEAM)
    assert 5 == spend_of_team(agreed)


async def test_a_later_period_of_which_nothing_is_booked_yet_is_left_alone(
    stores: Stores, agreed: psycopg.Connection
) -> None:
    assert agreed
    later = Millis(SINCE + 86_400_000)
    await given_counter(stores.redis, TEAM, spent=0, since=later)
    held = await given_hold(stores.redis, plan(budgets=[budget(TEAM, since=later, limit=KNOWN)]))
    await settle(stores.redis, held, settlement(5))

    assert AGREED == await reconcile(stores, NOON)
    assert (later, 5, 0) == await counter(stores.redis, TEAM)


async def test_a_window_of_a_budget_is_compared_with_its_sum(
    stores: Stores, direct: psycopg.Connection
) -> None:
    assert direct
    window = Bearer(Scope.TEAM, "t", "1d/gpt-4o")
    row = a_row(5)
    since = row.details["since"]
    assert isinstance(since, dict)
    since["windows"] = [["team", "t", "1d/gpt-4o", SINCE]]
    await append(stores, row)
    await drain(stores, NOON)
    await given_counter(stores.redis, window.budget_key, spent=1, since=SINCE)

    report = await reconcile(stores, NOON)

    assert ReconcileReport(mended=1, drift=4e-9) == report
    assert (SINCE, 5, 0) == await counter(stores.redis, window.budget_key)


async def test_what_is_nobodys_is_passed_over(stores: Stores) -> None:
    await given_counter(stores.redis, "budget:key:deleted:-", spent=5)
    await given_counter(stores.redis, "budget:nothing:we:know", spent=5)

    assert AGREED == await reconcile(stores, NOON)


async def test_several_at_once_mend_once(stores: Stores, agreed: psycopg.Connection) -> None:
    agreed.execute("update litellm_teamtable set spend = 3")

    await asyncio.gather(*(reconcile(stores, NOON) for _ in range(4)))

    assert (SINCE, 3 * KNOWN, 0) == await counter(stores.redis, TEAM)


async def test_nothing_seems_to_lack_while_calls_are_settled_and_drained(
    stores: Stores, agreed: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.drain.BATCH", 7)

    async def calls() -> None:
        for _ in range(60):
            await settled(stores, a_row(3))

    async def drains() -> None:
        for _ in range(20):
            await drain(stores, NOON)

    work = asyncio.gather(calls(), calls(), drains())
    reports: list[ReconcileReport] = []
    while not work.done():
        reports.append(await reconcile(stores, NOON))
    await work
    await drain(stores, NOON)

    assert {AGREED} == {*reports, await reconcile(stores, NOON)}
    assert (SINCE, KNOWN + 360, 0) == await counter(stores.redis, TEAM)
    assert KNOWN + 360 == spend_of_team(agreed)


async def test_a_round_goes_on_where_the_last_run_stopped(
    stores: Stores, direct: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.reconcile.AT_ONCE", 5)
    monkeypatch.setattr("shared.ledger.reconcile.LONGEST_SECONDS", 0)
    direct.execute(
        "insert into litellm_usertable (user_id, spend, budget_started_at)"
        " select 'user' || n, 2, to_timestamp(%s / 1000.0) from generate_series(1, 40) as n",
        [SINCE],
    )
    for n in range(1, 41):
        await given_counter(stores.redis, f"budget:user:user{n}:-", spent=KNOWN, since=SINCE)

    reports = [await reconcile(stores, NOON) for _ in range(30)]

    assert reports[0].mended < 40
    assert 40 == sum(report.mended for report in reports)


async def test_one_run_goes_through_all_counters_as_long_as_there_is_time(
    stores: Stores, direct: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.reconcile.AT_ONCE", 50)
    monkeypatch.setattr("shared.ledger.reconcile.LONGEST_SECONDS", 600)
    direct.execute(
        "insert into litellm_usertable (user_id, spend, budget_started_at)"
        " select 'user' || n, 2, to_timestamp(%s / 1000.0) from generate_series(1, 3000) as n",
        [SINCE],
    )
    counters = [f"budget:user:user{n}:-" for n in range(1, 3001)]
    for first in range(0, 3000, 500):
        known = [CounterSeed(key, SINCE, KNOWN_TWICE) for key in counters[first : first + 500]]
        await seed(stores.redis, "0-0", known)
    await stores.redis.execute(["HINCRBY", counters[7], "spent", -5])
    await stores.redis.execute(["HINCRBY", counters[2990], "spent", -7])

    report = await reconcile(stores, NOON)

    assert (2, 12e-9) == (report.mended, report.drift)
