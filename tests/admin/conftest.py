"""The admin app over a real Postgres and a real Redis, asked over HTTP as LiteLLM's clients do."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from functions.admin.app import make_app
from functions.admin.state import State
from shared.settings import Settings
from tests.admin.asking import MASTER_KEY, Admin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import psycopg

    from local.door.server import DoorThread
    from local.postgres import Postgres


@pytest.fixture
async def admin(postgres_dsn: str, door: DoorThread) -> AsyncIterator[Admin]:
    async with asked(postgres_dsn, door) as admin:
        yield admin


@pytest.fixture(scope="session")
def lasting_dsn(postgres_server: Postgres, postgres_template: psycopg.Connection) -> Iterator[str]:
    postgres_template.execute("create database lasting template blank strategy file_copy")
    yield postgres_server.url.removesuffix("/postgres") + "/lasting"
    postgres_template.execute("drop database lasting with (force)")


@pytest.fixture(scope="session")
async def lasting(lasting_dsn: str, door_server: DoorThread) -> AsyncIterator[Admin]:
    """One app and one database for many tests, each with rows of its own."""
    async with asked(lasting_dsn, door_server) as admin:
        yield admin


@asynccontextmanager
async def asked(dsn: str, door: DoorThread) -> AsyncIterator[Admin]:
    settings = Settings(
        master_key=MASTER_KEY,
        database_url=dsn,
        redis_url=door.url,
        redis_token=door.token,
        redis_try_seconds=2.0,
        max_postgres_connections=4,
    )
    state = State.open(settings)
    transport = httpx.ASGITransport(make_app(state))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield Admin(http, state, dsn, door)
    await state.desk.stores.close()
