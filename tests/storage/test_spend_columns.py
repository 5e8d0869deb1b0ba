"""The columns of spend that booked rows move: by period, by order, and never a version."""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from shared.domain import Millis, Scope
from shared.storage.spend_rows import (
    SpendRow,
    book,
)
from tests.ledger.rows import ENTITIES, NOON, SINCE, a_row, column

if TYPE_CHECKING:
    import psycopg

    from shared.storage.postgres import Postgres

BEFORE = 1_000_000_000
OPENING = 250_000_000
SPEND = 1_000_000_007


@pytest.mark.parametrize("scope", ENTITIES)
async def test_a_row_of_the_columns_period_adds_to_it(
    database: Postgres, direct: psycopg.Connection, scope: Scope
) -> None:
    await book(database, [a_row(SPEND), a_row(2)])

    assert (BEFORE + SPEND + 2, OPENING, SINCE) == column(direct, scope)


@pytest.mark.parametrize("scope", ENTITIES)
async def test_a_row_of_a_newer_period_starts_the_column_afresh(
    database: Postgres, direct: psycopg.Connection, scope: Scope
) -> None:
    await book(database, [a_row(SPEND, since=SINCE + 1)])

    assert (SPEND, 0, SINCE + 1) == column(direct, scope)


@pytest.mark.parametrize("scope", ENTITIES)
async def test_a_row_of_an_older_period_leaves_the_column(
    database: Postgres, direct: psycopg.Connection, scope: Scope
) -> None:
    await book(database, [a_row(SPEND, since=SINCE - 1)])

    assert (BEFORE, OPENING, SINCE) == column(direct, scope)


@pytest.mark.parametrize("scope", ENTITIES)
async def test_of_several_periods_in_a_batch_the_newest_counts(
    database: Postgres, direct: psycopg.Connection, scope: Scope
) -> None:
    rows = [a_row(7, since=SINCE + 2), a_row(5, since=SINCE), a_row(3, since=SINCE + 2)]

    await book(database, rows)

    assert (10, 0, SINCE + 2) == column(direct, scope)


@pytest.mark.parametrize("scope", ENTITIES)
async def test_a_row_that_bears_on_no_period_leaves_the_column(
    database: Postgres, direct: psycopg.Connection, scope: Scope
) -> None:
    await book(database, [a_row(SPEND, since=None)])

    assert (BEFORE, OPENING, SINCE) == column(direct, scope)


async def test_a_correction_lowers_the_column(
    database: Postgres, direct: psycopg.Connection
) -> None:
    await book(database, [a_row(SPEND), a_row(-7)])

    assert BEFORE + SPEND - 7 == column(direct, Scope.KEY)[0]


async def test_a_key_is_active_when_it_was_called_last(
    database: Postgres, direct: psycopg.Connection
) -> None:
    await book(database, [a_row(at=Millis(NOON - 5_000)), a_row(at=NOON)])

    found = direct.execute(
        "select last_active = '2026-11-24T12:00Z' from litellm_verificationtoken"
    )
    assert [(True,)] == found.fetchall()


async def test_accounting_moves_no_version(database: Postgres, direct: psycopg.Connection) -> None:
    before = direct.execute("select last_value from tollgate_version").fetchall()

    await book(database, [a_row()])

    assert before == direct.execute("select last_value from tollgate_version").fetchall()


async def test_the_spend_of_the_master_key_has_a_row_and_no_column(
    database: Postgres, direct: psycopg.Connection
) -> None:
    row = a_row(api_key="litellm_proxy_master_key", user=None, team_id=None)

    await book(database, [row])

    rollup = direct.execute("select user_id, spend::text from litellm_dailyuserspend")
    assert [(None, "1.000000007")] == rollup.fetchall()
    assert BEFORE == column(direct, Scope.KEY)[0]


@pytest.mark.parametrize("seed", range(12))
async def test_any_order_of_batches_duplicates_and_periods_ends_at_the_newest_periods_sum(
    database: Postgres, direct: psycopg.Connection, seed: int
) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    rows = [
        a_row(chance.randrange(1, 99), since=SINCE + chance.randrange(-2, 3)) for _ in range(40)
    ]
    delivered = rows + chance.sample(rows, 20)
    chance.shuffle(delivered)

    while delivered:
        size = chance.randrange(1, 9)
        await book(database, delivered[:size])
        del delivered[:size]

    assert expected_column(rows) == column(direct, Scope.USER)
    assert sum(row.spend for row in rows) == await total(database)


def expected_column(rows: list[SpendRow]) -> tuple[int, int, int]:
    """Add up the newest period, in Python."""
    sums: defaultdict[int, int] = defaultdict(int, {SINCE: BEFORE})
    for row in rows:
        since = row.details["since"]
        assert isinstance(since, dict)
        assert isinstance(since["user"], int)
        sums[since["user"]] += row.spend
    newest = max(sums)
    return sums[newest], OPENING if newest == SINCE else 0, newest


async def total(database: Postgres) -> int:
    row = await database.one(
        """
        select (select sum(spend) from litellm_spendlogs) * 1000000000 as rows,
               (select sum(spend) from litellm_dailyuserspend) * 1000000000 as rollup
        """
    )
    assert row is not None
    assert row["rows"] == row["rollup"]
    return int(str(row["rows"]).partition(".")[0])
