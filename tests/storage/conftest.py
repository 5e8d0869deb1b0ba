"""The guarded clients of both stores, and a session beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.settings import Settings
from shared.storage.postgres import Postgres
from shared.storage.redis import Redis
from shared.transport.client import Client
from tests.ledger.conftest import direct
from tests.storage.given import NOW_US, TimedRedis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from local.door.server import DoorThread


__all__ = ["direct"]


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[Client]:
    client = Client()
    yield client
    await client.close()


@pytest.fixture
def redis(door: DoorThread, http: Client) -> Redis:
    """A patient client: the machine of a test run may be busy."""
    return Redis(http, door.url, door.token, try_seconds=10)


@pytest.fixture
async def timed(redis: Redis) -> TimedRedis:
    """The same, whose clock stands still until a test sets it."""
    timed = TimedRedis(redis)
    await timed.set_time(NOW_US)
    return timed


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Postgres]:
    settings = Settings(master_key="sk-m", database_url=postgres_dsn, max_postgres_connections=2)
    database = Postgres(settings)
    yield database
    await database.close()


@pytest.fixture
def bystander(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    """Somebody else's session, to look on and to interfere."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("create table box (n integer unique)")
        yield connection
