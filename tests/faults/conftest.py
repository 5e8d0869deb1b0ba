"""A Postgres of our own to be maltreated, lines that can be cut, and the table of what happened."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from local.postgres import Postgres
from shared.auth.directory import Directory
from shared.config.live import LiveConfig
from shared.gateway.gateway import Gateway
from shared.settings import Settings
from shared.storage.stores import Stores
from tests.faults import table
from tests.faults.stage import DOLLAR, TIGHT, Stage
from tests.faults.tcp_proxy import TcpProxy
from tests.gateway.conftest import _served
from tests.gateway.given import MASTER_KEY, Given, model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from local.door.server import DoorThread
    from local.reaper import Reaper
    from shared.domain import Json, JsonObject
    from tests.faults.stage import Outcome
    from tests.provider import Provider

SCHEMA = Path(__file__).parents[2] / "schema.sql"
TABLE = "TOLLGATE_FAULT_TABLE"
"""Set to anything, a run writes what it found into docs/money.md."""

TRY_SECONDS = 0.5


@pytest.fixture(scope="session")
def found() -> Iterator[dict[str, Outcome]]:
    outcomes: dict[str, Outcome] = {}
    yield outcomes
    if outcomes and os.environ.get(TABLE):
        from tests.faults.names import FAULTS  # noqa: PLC0415 - only the writing needs them

        table.write(outcomes, list(FAULTS))


@pytest.fixture(scope="session")
def victim(scratch: Path, reaper: Reaper) -> Iterator[Postgres]:
    server = Postgres(scratch / "victim", reaper, is_fast=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def victim_dsn(victim: Postgres) -> str:
    if not victim.is_running():
        victim.start()
    with psycopg.connect(victim.url, autocommit=True) as superuser:
        superuser.execute("drop database if exists faults with (force)")
        superuser.execute("create database faults")
    dsn = victim.url.removesuffix("/postgres") + "/faults"
    with psycopg.connect(dsn) as connection:
        connection.execute(SCHEMA.read_bytes())
    return dsn


@pytest.fixture
async def lines(door: DoorThread, victim: Postgres) -> AsyncIterator[tuple[TcpProxy, TcpProxy]]:
    """The way to Redis and the way to Postgres, each through a proxy that can be cut."""
    to_redis, to_postgres = TcpProxy(door.port), TcpProxy(victim.port)
    for line in (to_redis, to_postgres):
        await line.start()
    yield to_redis, to_postgres
    for line in (to_redis, to_postgres):
        await line.stop()


@pytest.fixture
def clean_settings(victim_dsn: str, door: DoorThread) -> Settings:
    """Those of somebody whom no fault befalls."""
    return Settings(
        master_key=MASTER_KEY,
        database_url=victim_dsn,
        redis_url=door.url,
        redis_token=door.token,
        redis_try_seconds=5,
        max_postgres_connections=4,
    )


@pytest.fixture
async def stage(
    victim: Postgres,
    clean_settings: Settings,
    lines: tuple[TcpProxy, TcpProxy],
    door: DoorThread,
    provider: Provider,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Callable[..., Awaitable[Stage]]]:
    """Set a stage: one gateway with these settings, warm, a key that has called once."""
    redis_line, postgres_line = lines
    through_lines = replace(
        clean_settings,
        database_url=clean_settings.database_url.replace(
            f":{victim.port}/", f":{postgres_line.port}/"
        ),
        redis_url=f"http://127.0.0.1:{redis_line.port}",
        redis_try_seconds=TRY_SECONDS,
    )
    async with AsyncExitStack() as stack:
        clean, stores = Stores.open(clean_settings), Stores.open(through_lines)
        stack.push_async_callback(clean.close)
        stack.push_async_callback(stores.close)

        async def start(*models: Json, **sections: Json) -> Stage:
            models = models or (model("gpt", provider.url),)
            gateway = _gateway({"model_list": [*models], **sections}, through_lines, stores)
            url = await stack.enter_async_context(_served(gateway))
            client = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
            budget = _budget(sections)
            key = await Given(clean).key(max_budget=Decimal(budget).scaleb(-9))
            ways = (redis_line, postgres_line)
            made = Stage(gateway, client, key, provider, door, victim, *ways, clean, capsys, budget)
            await made.calls(1)
            made.waits.clear()
            return made

        yield start
        for line in lines:
            line.set("pass")


def _gateway(data: JsonObject, settings: Settings, stores: Stores) -> Gateway:
    live = LiveConfig.over(data, settings, stores, {})
    return Gateway(
        settings=settings,
        config=live.current,
        stores=stores,
        directory=Directory(stores),
        live=live,
    )


def _budget(sections: dict[str, Json]) -> int:
    """Say what the key may spend: in grace the bound is the exposure, else it is used up."""
    litellm = sections.get("litellm_settings")
    is_graced = isinstance(litellm, dict) and "redis_down" in litellm
    return DOLLAR if is_graced else TIGHT
