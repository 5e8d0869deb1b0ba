"""Sessions of one database for the tests of its connections, and what is done to them."""

from __future__ import annotations

import os
import signal
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from shared.settings import Settings
from shared.storage.postgres import Postgres, Runs, Transaction

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

    import psycopg


PID = "select pg_backend_pid() as pid"


@asynccontextmanager
async def opened(url: str, most: int = 1) -> AsyncGenerator[Postgres]:
    settings = Settings(master_key="sk-m", database_url=url, max_postgres_connections=most)
    database = Postgres(settings)
    try:
        yield database
    finally:
        await database.close()


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
