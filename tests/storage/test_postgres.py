"""The guarded connections: what fails, what is repeated, what is undone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.errors import PostgresDown
from shared.storage import connections
from shared.storage.failures import StatementFailed
from tests.storage.sessions import contents, opened, pid, stopped, terminate, within

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import psycopg

    from shared.storage.postgres import Postgres, Transaction


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Postgres]:
    async with opened(postgres_dsn) as database:
        yield database


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
