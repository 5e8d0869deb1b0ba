"""Both stores for real, with a key, its user and its team in Postgres."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.settings import Settings
from shared.storage.stores import Stores
from tests.ledger.rows import given_entities

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from local.door.server import DoorThread


@pytest.fixture
def settings(postgres_dsn: str, door: DoorThread) -> Settings:
    return Settings(
        master_key="sk-m",
        database_url=postgres_dsn,
        redis_url=door.url,
        redis_token=door.token,
        redis_try_seconds=5,
    )


@pytest.fixture
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    stores = Stores.open(settings)
    yield stores
    await stores.close()


@pytest.fixture
def direct(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    """A session of its own, to arrange and to look on."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        given_entities(connection)
        yield connection
