"""The admin app over a real Postgres and a real Redis, asked over HTTP as LiteLLM's clients do."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from functions.admin.app import make_app
from functions.admin.state import State
from functions.proxy.app import make_app as make_proxy
from shared.auth.directory import Directory
from shared.config.live import LiveConfig
from shared.gateway.gateway import Gateway
from shared.settings import Settings
from shared.storage.stores import Stores
from tests.admin.asking import MASTER_KEY, Admin
from tests.gateway.given import model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    import psycopg

    from local.door.server import DoorThread
    from local.postgres import Postgres
    from tests.admin.asking import Json
    from tests.provider import Provider


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


@pytest.fixture
async def gateway(admin: Admin, provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    """Another process."""
    settings, stores = admin.state.settings, Stores.open(admin.state.settings)
    file: Json = {"model_list": [model("in-file", provider.url)]}
    live = LiveConfig.over(file, settings, stores, {})
    app = make_proxy(Gateway(settings, live.current, stores, Directory(stores), live))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway"
    ) as http:
        yield http
    await stores.close()


@asynccontextmanager
async def asked(dsn: str, door: DoorThread) -> AsyncIterator[Admin]:
    settings = Settings(
        master_key=MASTER_KEY,
        database_url=dsn,
        redis_url=door.url,
        redis_token=door.token,
        redis_try_seconds=10,
        max_postgres_connections=4,
    )
    state = State.open(settings)
    transport = httpx.ASGITransport(make_app(state))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield Admin(http, state, dsn, door)
    await state.desk.stores.close()
