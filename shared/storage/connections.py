"""The few connections a process keeps, made late and replaced when they died."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from shared.errors import PostgresDown
from shared.storage.breaker import Breaker
from shared.storage.driver import Connection
from shared.storage.failures import PostgresSilent

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

WAIT_SECONDS: Final = 2.0
"""How long a statement waits for its turn."""

REST_SECONDS: Final = 1.0
"""How long a silent Postgres is left alone between two statements that try it."""

MAX_IDLE_SECONDS: Final = 30.0
"""A connection unused for longer may be dead without telling: a frozen function's, a NAT's."""


class Connections:
    """At most `most` connections; the one used last is used next."""

    def __init__(self, url: str, most: int, connect_seconds: int) -> None:
        self._url = url
        self._connect_seconds = connect_seconds
        self._turns = asyncio.Semaphore(most)
        self._idle: list[tuple[Connection, float]] = []
        self._breaker = Breaker(patience=connect_seconds * 1.5, rest=REST_SECONDS)

    @asynccontextmanager
    async def lease(self) -> AsyncGenerator[Connection]:
        """Have a connection to oneself; raise PostgresDown when there is none to be had in time."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                await self._turns.acquire()
        except TimeoutError as error:
            raise PostgresDown("Every connection to Postgres is busy.") from error
        try:
            connection = await self._take()
            try:
                yield connection
            finally:
                await self._give_back(connection)
        finally:
            self._turns.release()

    async def close_idle(self) -> None:
        """Close those that nobody has."""
        while self._idle:
            connection, _ = self._idle.pop()
            await connection.close()

    async def _take(self) -> Connection:
        while self._idle:
            connection, since = self._idle.pop()
            if not connection.is_closed and time.monotonic() - since < MAX_IDLE_SECONDS:
                return connection
            await connection.close()
        return await self._open()

    async def _open(self) -> Connection:
        """Connect, unless that was in vain lately: one dead session says nothing of the server."""
        if not self._breaker.lets_through():
            raise PostgresDown("Postgres has not answered lately.")
        began = time.monotonic()
        try:
            connection = await Connection.open(self._url, self._connect_seconds)
        except PostgresSilent:
            self._breaker.waited_in_vain(time.monotonic() - began)
            raise
        self._breaker.answered()
        return connection

    async def _give_back(self, connection: Connection) -> None:
        if connection.is_idle:
            self._idle.append((connection, time.monotonic()))
        else:
            await connection.close()
