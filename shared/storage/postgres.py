"""Postgres as the other rooms see it: three methods, few connections, one kind of outage.

What cannot be reached or does not answer in time is PostgresDown; what Postgres refuses for its
content is StatementFailed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING, Final, LiteralString

from shared.errors import PostgresDown
from shared.storage.failures import ConnectionLost, StatementFailed

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from shared.settings import Settings
    from shared.storage.connections import Connections
    from shared.storage.driver import Answer, Connection, Row

_ABORTED: Final = "25P02"


class Runs(ABC):
    """Whatever runs statements: a database, or a transaction in it."""

    @abstractmethod
    async def _answer(self, statement: LiteralString, params: Mapping[str, object]) -> Answer: ...

    async def one(self, statement: LiteralString, **params: object) -> Row | None:
        """Run a statement; return its first row, None when it has none."""
        rows = (await self._answer(statement, params)).rows
        return rows[0] if rows else None

    async def all(self, statement: LiteralString, **params: object) -> list[Row]:
        """Run a statement; return its rows."""
        return (await self._answer(statement, params)).rows

    async def run(self, statement: LiteralString, **params: object) -> int:
        """Run a statement; return how many rows it touched."""
        return (await self._answer(statement, params)).count


class Postgres(Runs):
    """A database: one connection in a function, several in a server.

    A statement whose connection dies is run once more on a new one: outside a transaction a
    statement must be safe to repeat.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @cached_property
    def _connections(self) -> Connections:
        # psycopg costs 120 ms of a cold start, and warm calls need no SQL.
        from shared.storage.connections import Connections  # noqa: PLC0415

        settings = self._settings
        return Connections(
            settings.database_url,
            settings.max_postgres_connections,
            settings.postgres_connect_seconds,
        )

    @asynccontextmanager
    async def transaction(self, *, seconds: int | None = None) -> AsyncGenerator[Transaction]:
        """Run statements that hold together or not at all.

        Each may take `seconds`, where that is not the usual. Nothing is run twice.
        """
        async with AsyncExitStack() as stack:
            transaction = Transaction(await self._begin(stack))
            try:
                if seconds is not None:
                    await transaction.allow(seconds)
                yield transaction
                transaction.must_be_whole()
            except Exception:
                # Should this fail as well, the connection is not idle and will be closed.
                with suppress(PostgresDown):
                    await transaction.run("rollback")
                raise
            await transaction.run("commit")

    async def close(self) -> None:
        """Close the connections; the next statement opens another."""
        if "_connections" in self.__dict__:
            await self._connections.close_idle()

    async def _answer(self, statement: LiteralString, params: Mapping[str, object]) -> Answer:
        try:
            async with self._connections.lease() as connection:
                return await connection.answer(statement, params)
        except ConnectionLost:
            # What ended this one has ended those that idled beside it.
            await self._connections.close_idle()
        async with self._connections.lease() as connection:
            return await connection.answer(statement, params)

    async def _begin(self, stack: AsyncExitStack) -> Connection:
        """Begin a transaction; should the connection be found dead, once more on a new one."""
        async with AsyncExitStack() as trial:
            connection = await trial.enter_async_context(self._connections.lease())
            with suppress(ConnectionLost):
                await connection.answer("begin", {})
                await stack.enter_async_context(trial.pop_all())
                return connection
        await self._connections.close_idle()
        connection = await stack.enter_async_context(self._connections.lease())
        await connection.answer("begin", {})
        return connection


class Transaction(Runs):
    """Statements on one connection; made by `Postgres.transaction`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._seconds: int | None = None

    def must_be_whole(self) -> None:
        """Raise StatementFailed when a statement failed and its error was swallowed.

        Postgres answers the commit of such a transaction with a silent rollback.
        """
        if self._connection.has_failed:
            raise StatementFailed(_ABORTED)

    async def allow(self, seconds: int) -> None:
        """Let each statement from here on take so long."""
        self._seconds = seconds
        await self.one(
            "select set_config('statement_timeout', %(limit)s, true)", limit=f"{seconds}s"
        )

    @asynccontextmanager
    async def savepoint(self) -> AsyncGenerator[None]:
        """Undo what was run within when it raises, and nothing else; may be nested."""
        # Postgres looks for the innermost savepoint of a name.
        await self.run("savepoint here")
        try:
            yield
        except Exception:
            await self.run("rollback to savepoint here")
            await self.run("release savepoint here")
            raise
        await self.run("release savepoint here")

    async def _answer(self, statement: LiteralString, params: Mapping[str, object]) -> Answer:
        if self._seconds is None:
            return await self._connection.answer(statement, params)
        return await self._connection.answer(statement, params, self._seconds)
