"""The guarded connections: what fails, what is repeated, what is undone."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.errors import PostgresDown
from shared.settings import Settings
from shared.storage import connections
from shared.storage.failures import StatementFailed
from shared.storage.postgres import Postgres, Runs, Transaction

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator

PID = "select pg_backend_pid() as pid"


@asynccontextmanager
async def opened(url: str, most: int = 1) -> AsyncGenerator[Postgres]:
    settings = Settings(master_key="sk-m", database_url=url, max_postgres_connections=most)
    database = Postgres(settings)
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Postgres]:
    async with opened(postgres_dsn) as database:
        yield database


@pytest.fixture
def bystander(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    """Somebody else's session, to look on and to interfere."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("create table box (n integer unique)")
        yield connection


async def pid(session: Runs) -> int:
    row = await session.one(PID)
    assert row is not None
    assert isinstance(row["pid"], int)
    return row["pid"]


async def within(
    database: Postgres,
    work: Callable[[Transaction], Awaitable[None]],
    *,
    seconds: int | None = None,
) -> None:
    async with database.transaction(seconds=seconds) as transaction:
        await work(transaction)


@contextmanager
def stopped(process: int) -> Iterator[None]:
    """Let a server process of ours stand still."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def contents(bystander: psycopg.Connection) -> list[object]:
    return [n for (n,) in bystander.execute("select n from box order by n")]


def terminate(bystander: psycopg.Connection, victim: object) -> None:
    """End a session and wait until it is gone."""
    bystander.execute("select pg_terminate_backend(%s, 5000)", (victim,))


async def test_rows_come_as_dictionaries(database: Postgres) -> None:
    rows = await database.all("select n, n * 2 as double from generate_series(1, 2) n")

    assert [{"n": 1, "double": 2}, {"n": 2, "double": 4}] == rows


async def test_one_is_none_where_there_is_no_row(database: Postgres) -> None:
    assert await database.one("select 1 where false") is None


async def test_run_counts_the_rows_it_touched(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    assert contents(bystander) == []

    count = await database.run("insert into box values (%(a)s), (%(b)s)", a=1, b=2)

    assert 2 == count


async def test_nothing_is_connected_before_the_first_statement() -> None:
    async with opened("postgresql://nobody.invalid/none"):
        pass


async def test_one_connection_serves_one_statement_after_another(database: Postgres) -> None:
    assert await pid(database) == await pid(database)


async def test_a_statement_on_a_connection_that_died_is_run_on_a_new_one(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    first = await pid(database)
    terminate(bystander, first)

    assert first != await pid(database)


async def test_all_connections_that_died_cost_one_repetition(
    postgres_dsn: str, bystander: psycopg.Connection
) -> None:
    async with opened(postgres_dsn, most=3) as database:
        victims = await asyncio.gather(
            *(database.one("select pg_backend_pid() as pid, pg_sleep(0.05)") for _ in range(3))
        )
        for victim in victims:
            assert victim is not None
            terminate(bystander, victim["pid"])

        assert {"n": 1} == await database.one("select 1 as n")


async def test_a_statement_killed_while_it_runs_is_repeated_once(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    bystander.execute("create sequence runs")
    suicide = "select nextval('runs'), pg_terminate_backend(pg_backend_pid())"

    with pytest.raises(PostgresDown):
        await database.run(suicide)

    assert [(2,)] == bystander.execute("select last_value from runs").fetchall()


async def test_a_connection_idle_for_long_is_replaced(
    database: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await pid(database)
    monkeypatch.setattr(connections, "MAX_IDLE_SECONDS", 0.0)

    assert first != await pid(database)


async def test_a_database_that_is_not_there_is_down(postgres_dsn: str) -> None:
    async with opened(postgres_dsn + "_gone") as database:
        with pytest.raises(PostgresDown):
            await database.one("select 1")


async def test_a_server_that_never_answers_is_down() -> None:
    async def listen(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await released.wait()
        writer.close()

    released = asyncio.Event()
    server = await asyncio.start_server(listen, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]

    async with server, opened(f"postgresql://u@127.0.0.1:{port}/d?connect_timeout=1") as database:
        with pytest.raises(PostgresDown):
            await database.one("select 1")
        released.set()


async def test_no_database_configured_is_down() -> None:
    async with opened("") as database:
        with pytest.raises(PostgresDown):
            await database.one("select 1")


async def test_a_reached_connection_limit_is_down(
    postgres_dsn: str, bystander: psycopg.Connection
) -> None:
    bystander.execute("create role few login connection limit 0")
    try:
        async with opened(f"{postgres_dsn}?user=few") as database:
            with pytest.raises(PostgresDown):
                await database.one("select 1")
    finally:
        bystander.execute("drop role few")


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


async def test_we_stop_waiting_for_a_server_that_stopped(database: Postgres) -> None:
    async def ask(transaction: Transaction) -> None:
        with stopped(await pid(transaction)):
            await transaction.one("select 1")

    first = await pid(database)

    with pytest.raises(PostgresDown):
        await within(database, ask, seconds=0)

    assert first != await pid(database)


async def test_a_full_house_is_down(postgres_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "WAIT_SECONDS", 0.05)
    async with opened(postgres_dsn) as database, database.transaction():
        with pytest.raises(PostgresDown):
            await database.one("select 1")


async def test_a_cancelled_statement_leaves_a_working_database(database: Postgres) -> None:
    sleeper = asyncio.create_task(database.one("select pg_sleep(10)"))
    await asyncio.sleep(0.05)

    sleeper.cancel()

    with pytest.raises(asyncio.CancelledError):
        await sleeper
    assert {"n": 1} == await database.one("select 1 as n")


@pytest.mark.parametrize(
    ("text", "sqlstate"),
    [("a\0b", "22021"), ("a\ud800b", "22021")],
    ids=["nul", "lone surrogate"],
)
async def test_what_is_no_text_is_refused(database: Postgres, text: str, sqlstate: str) -> None:
    with pytest.raises(StatementFailed) as refusal:
        await database.one("select %(text)s::text", text=text)

    assert sqlstate == refusal.value.sqlstate


async def test_a_number_too_large_is_refused(database: Postgres) -> None:
    with pytest.raises(StatementFailed) as refusal:
        await database.one("select %(n)s::bigint", n=1 << 70)

    assert "22003" == refusal.value.sqlstate


async def test_nul_within_json_is_refused(database: Postgres) -> None:
    with pytest.raises(StatementFailed) as refusal:
        await database.one("select %(text)s::jsonb", text='"\\u0000"')

    assert "22P05" == refusal.value.sqlstate


async def test_a_text_too_long_for_its_index_is_refused(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    bystander.execute("create table long (t text unique)")

    with pytest.raises(StatementFailed) as refusal:
        await database.run(
            "insert into long select string_agg(md5(n::text), '') from generate_series(1, 999) n"
        )

    assert "54000" == refusal.value.sqlstate


async def test_a_refusal_names_the_constraint_and_no_value(
    database: Postgres, bystander: psycopg.Connection
) -> None:
    bystander.execute("insert into box values (4321)")

    with pytest.raises(StatementFailed) as refusal:
        await database.run("insert into box values (4321)")

    assert ("23505", "box_n_key") == (refusal.value.sqlstate, refusal.value.constraint)
    assert "4321" not in str(refusal.value)


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
