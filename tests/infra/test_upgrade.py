"""The new code on the old schema: calls are served and none is lost until the migration comes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.domain import Millis
from shared.errors import PostgresDown
from shared.ledger.drain import drain
from shared.storage.failures import StatementFailed
from shared.storage.schema import migrate
from tests.functions.runtime_api_emulator import running
from tests.functions.test_proxy_function import HANDLER, accounts, chat

if TYPE_CHECKING:
    from shared.storage.stores import Stores

ROOT = Path(__file__).parents[2]
FORMER = ROOT / "tests/storage/former/schema.sql"


async def test_a_call_on_the_old_schema_is_booked_after_the_migration(
    environment: dict[str, str], stores: Stores
) -> None:
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
        connection.execute(FORMER.read_bytes())
    async with running(HANDLER, environment, is_streaming=True) as function:
        prelude, _ = await (await function.api.invoke(chat())).streamed()
        await function.api.polled(2)
    now = Millis(time.time_ns() // 1_000_000)
    with pytest.raises((StatementFailed, PostgresDown)):
        await drain(stores, now)
    waiting = await accounts(stores)

    migrate(environment["DATABASE_URL"], (ROOT / "schema.sql").read_text())
    report = await drain(stores, now)

    assert (200, (1, 0), (1, 0)) == (
        prelude["statusCode"],
        waiting,
        (report.booked, report.parked),
    )
