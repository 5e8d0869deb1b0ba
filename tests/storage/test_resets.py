"""Due budgets are taken by one at a time and start afresh where their period is newer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

from shared.domain import Millis, Scope
from shared.storage.columns import moment
from shared.storage.resets import DueBudget, NewPeriod, due_budgets, start_periods
from tests.ledger.rows import NOON, SINCE, column, given_entities

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.storage.postgres import Postgres

TABLES = {
    Scope.KEY: "litellm_verificationtoken",
    Scope.USER: "litellm_usertable",
    Scope.TEAM: "litellm_teamtable",
}
IDS = {Scope.KEY: "k0", Scope.USER: "u", Scope.TEAM: "t"}
LATER = Millis(NOON + 86_400_000)


@pytest.fixture
def direct(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        given_entities(connection)
        for table in TABLES.values():
            statement = sql.SQL("update {} set budget_duration = '1d', budget_reset_at = %s")
            connection.execute(statement.format(sql.Identifier(table)), (moment(NOON),))
        yield connection


async def due(database: Postgres, scope: Scope, now: Millis) -> list[DueBudget]:
    async with database.transaction() as transaction:
        return await due_budgets(transaction, scope, now, 10)


@pytest.mark.usefixtures("direct")
@pytest.mark.parametrize("scope", TABLES)
async def test_a_budget_is_due_when_its_time_has_come(database: Postgres, scope: Scope) -> None:
    before, after = [await due(database, scope, Millis(NOON + d)) for d in (-1, 0)]

    assert ([], [DueBudget(IDS[scope], "1d", SINCE, NOON)]) == (before, after)


async def test_an_expired_key_is_not_due(database: Postgres, direct: psycopg.Connection) -> None:
    direct.execute("update litellm_verificationtoken set expires = %s", (moment(NOON),))

    assert [] == await due(database, Scope.KEY, NOON)


@pytest.mark.usefixtures("direct")
async def test_what_one_has_taken_another_does_not_wait_for(database: Postgres) -> None:
    async with database.transaction() as one, database.transaction() as other:
        taken = await due_budgets(one, Scope.USER, NOON, 10)
        left = await due_budgets(other, Scope.USER, NOON, 10)

    assert (1, 0) == (len(taken), len(left))


@pytest.mark.parametrize("scope", TABLES)
async def test_a_newer_period_starts_the_column_afresh(
    database: Postgres, direct: psycopg.Connection, scope: Scope
) -> None:
    await start_periods(database, scope, [NewPeriod(IDS[scope], NOON, LATER)])

    assert (0, 0, NOON) == column(direct, scope)


@pytest.mark.parametrize("scope", TABLES)
async def test_a_period_that_the_ledger_has_begun_keeps_its_spend(
    database: Postgres, direct: psycopg.Connection, scope: Scope
) -> None:
    await start_periods(database, scope, [NewPeriod(IDS[scope], SINCE, LATER)])

    assert (1_000_000_000, 250_000_000, SINCE) == column(direct, scope)


@pytest.mark.usefixtures("direct")
@pytest.mark.parametrize("scope", TABLES)
async def test_a_period_says_when_the_budget_is_due_again(database: Postgres, scope: Scope) -> None:
    await start_periods(database, scope, [NewPeriod(IDS[scope], NOON, LATER)])

    assert [] == await due(database, scope, Millis(LATER - 1))
    assert [DueBudget(IDS[scope], "1d", NOON, LATER)] == await due(database, scope, LATER)


@pytest.mark.usefixtures("direct")
async def test_a_period_without_end_is_never_due(database: Postgres) -> None:
    await start_periods(database, Scope.TEAM, [NewPeriod("t", NOON, None)])

    assert [] == await due(database, Scope.TEAM, Millis(LATER * 2))


async def test_a_reset_takes_no_version(database: Postgres, direct: psycopg.Connection) -> None:
    before = direct.execute("select version, changed_at from policy order by scope").fetchall()

    for scope in TABLES:
        await start_periods(database, scope, [NewPeriod(IDS[scope], NOON, LATER)])

    after = direct.execute("select version, changed_at from policy order by scope").fetchall()
    assert before == after
