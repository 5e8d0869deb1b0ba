"""A real PgBouncer in transaction mode: each statement may meet another session."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from shared.domain import Millis
from shared.ledger.drain import drain
from shared.ledger.partitions import keep_partitions
from shared.ledger.reset import reset
from shared.settings import Settings
from shared.storage.postgres import Postgres
from shared.storage.schema import migrate
from shared.storage.stores import Stores
from tests.functions.runtime_api_emulator import running
from tests.functions.test_proxy_function import HANDLER, chat

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.slow

POOL = 3
CLIENTS = 12
SCHEMA = (Path(__file__).parents[2] / "schema.sql").read_text()
NOBODY = 65534


def program() -> str:
    found = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    assert found is not None, "PgBouncer is needed here: apt-get install pgbouncer"
    return found


@pytest.fixture
def pooled(postgres_dsn: str, scratch: Path) -> Iterator[str]:
    """The URL of the database behind a PgBouncer of three sessions, written as the docs say."""
    about = conninfo_to_dict(postgres_dsn)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = scratch / "pgbouncer"
    folder.mkdir(exist_ok=True)
    behind = f"host={about['host']} port={about['port']} user={about['user']}"
    if about.get("password"):
        behind += f" password={about['password']}"
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = {behind}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        f"auth_type = any\npool_mode = transaction\ndefault_pool_size = {POOL}\n"
        "max_client_conn = 500\nunix_socket_dir =\nlogfile =\nserver_reset_query_always = 0\n"
    )
    as_root = os.geteuid() == 0
    process = subprocess.Popen(
        [program(), str(folder / "pgbouncer.ini")],
        stderr=subprocess.PIPE,
        text=True,
        user=NOBODY if as_root else None,
        group=NOBODY if as_root else None,
    )
    url = f"postgresql://{about['user']}@127.0.0.1:{port}/{about['dbname']}?options="
    try:
        wait_for(url, process)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=20)


def wait_for(url: str, process: subprocess.Popen[str]) -> None:
    for _ in range(200):
        assert process.poll() is None, process.stderr.read() if process.stderr else ""
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("PgBouncer does not answer")


async def test_many_processes_share_a_few_sessions(
    pooled: str, postgres_dsn: str, environment: dict[str, str]
) -> None:
    settings = replace(Settings.from_environment(environment), database_url=pooled)
    clients = [Postgres(settings) for _ in range(CLIENTS)]

    async def ask(client: Postgres) -> None:
        for _ in range(20):
            await client.all("select %(word)s::text as word", word="again")
            async with client.transaction() as transaction:
                await transaction.all("select pg_sleep(0.001)::text as slept")

    await asyncio.gather(*(ask(client) for client in clients))
    with psycopg.connect(postgres_dsn) as watcher:
        row = watcher.execute(
            "select count(*) from pg_stat_activity where datname = current_database() "
            "and pid <> pg_backend_pid()"
        ).fetchone()
    for client in clients:
        await client.close()

    assert row is not None
    assert 1 <= row[0] <= POOL


async def test_a_call_is_served_and_its_money_reaches_the_ledger(
    pooled: str, environment: dict[str, str]
) -> None:
    environment["DATABASE_URL"] = pooled
    async with running(HANDLER, environment, is_streaming=True) as function:
        prelude, _ = await (await function.api.invoke(chat())).streamed()
        await function.api.polled(2)
    stores = Stores.open(Settings.from_environment(environment))
    now = now_ms()

    report = await drain(stores, now)
    await keep_partitions(stores, now)
    await reset(stores, now)
    row = await stores.postgres.one("select count(*) as rows from litellm_spendlogs")
    await stores.close()

    assert (200, 1, {"rows": 1}) == (prelude["statusCode"], report.booked, row)


def test_a_migration_goes_through_it(pooled: str) -> None:
    grown = SCHEMA + "alter table litellm_teamtable add column if not exists colour text;"

    assert ["column litellm_teamtable.colour text"] == migrate(pooled, grown)
    assert [] == migrate(pooled, grown)


def now_ms() -> Millis:
    return Millis(time.time_ns() // 1_000_000)
