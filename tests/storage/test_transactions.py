"""Transactions: what holds, what is undone, and what a lost connection does to one."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from shared.errors import PostgresDown
from shared.storage.failures import StatementFailed
from tests.storage.sessions import contents, opened, pid, terminate, within

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import psycopg

    from shared.storage.postgres import Postgres, Transaction


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Postgres]:
    async with opened(postgres_dsn) as database:
        yield database


async def test_the_server_gives_up_a_statement_that_takes_too_long(postgres_dsn: str) -> None:
    async with opened(f"{postgres_dsn}?options=-c%20statement_timeout%3D50") as database:
        first = await pid(database)

        with pytest.raises(PostgresDown):
            await database.one("select pg_sleep(10)")

        assert first == await pid(database)


async def test_statements_have_a_timeout_by_default(database: Postgres) -> None:
    assert {"statement_timeout": "2s"} == await database.one("show statement_timeout")


async def test_a_transaction_may_allow_itself_more(database: Postgres) -> None:
    async with database.transaction(seconds=20) as transaction:
        within = await transaction.one("show statement_timeout")

    assert {"statement_timeout": "20s"} == within
    assert {"statement_timeout": "2s"} == await database.one("show statement_timeout")


async def test_a_transaction_holds_when_it_ends(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    async with database.transaction() as transaction:
        await transaction.run("insert into box values (1)")
        before = contents(bystander)

    assert ([], [1]) == (before, contents(bystander))


async def test_a_transaction_that_raises_is_undone(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.run("insert into box values (1)")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await within(database, work)

    assert [] == contents(bystander)


async def test_a_cancelled_transaction_is_undone(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.run("insert into box values (1)")
        inserted.set()
        await asyncio.Event().wait()

    inserted = asyncio.Event()
    task = asyncio.create_task(within(database, work))
    await inserted.wait()

    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert [] == contents(bystander)


async def test_a_transaction_with_a_swallowed_failure_does_not_pretend_to_hold(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.run("insert into box values (2)")
        with suppress(StatementFailed):
            await transaction.run("insert into box values (1)")

    bystander.execute("insert into box values (1)")

    with pytest.raises(StatementFailed) as refusal:
        await within(database, work)

    assert "25P02" == refusal.value.sqlstate
    assert [1] == contents(bystander)


async def test_a_savepoint_undoes_only_what_was_run_within(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    async with database.transaction() as transaction:
        await transaction.run("insert into box values (1)")
        async with transaction.savepoint():
            await transaction.run("insert into box values (2)")
            with suppress(StatementFailed):
                async with transaction.savepoint():
                    await transaction.run("insert into box values (3)")
                    await transaction.run("insert into box values (1)")

    assert [1, 2] == contents(bystander)


async def test_a_transaction_begins_on_a_new_connection_when_the_old_one_died(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    terminate(bystander, await pid(database))

    async with database.transaction() as transaction:
        await transaction.run("insert into box values (1)")

    assert [1] == contents(bystander)


async def test_a_transaction_whose_connection_dies_is_down_and_not_repeated(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    async def work(transaction: Transaction) -> None:
        await transaction.run("insert into box values (1)")
        terminate(bystander, await pid(transaction))
        await transaction.run("insert into box values (2)")

    with pytest.raises(PostgresDown):
        await within(database, work)

    assert [] == contents(bystander)
    assert {"n": 1} == await database.one("select 1 as n")


async def test_a_locked_row_is_down_not_forever(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    bystander.execute("insert into box values (1)")
    with bystander.transaction():
        bystander.execute("select n from box for update")

        with pytest.raises(PostgresDown):
            await database.run("update box set n = 2")


async def test_a_read_only_session_after_a_fail_over_is_left(
    postgres_dsn: str, bystander: psycopg.Connection
) -> None:
    bystander.execute("create sequence sessions")
    read_only = "?options=-c%20default_transaction_read_only%3Don"
    async with opened(postgres_dsn + read_only) as database:
        first = await pid(database)

        with pytest.raises(PostgresDown):
            await database.run("insert into box values (1)")

        assert first != await pid(database)
