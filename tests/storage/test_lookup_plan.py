"""The one lookup behind a key finds every row by an index, however many rows there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString, cast

import pytest

from shared.settings import Settings
from shared.storage.postgres import Postgres
from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def postgres(postgres_dsn: str) -> AsyncIterator[Postgres]:
    database = Postgres(Settings(master_key="sk-m", database_url=postgres_dsn))
    yield database
    await database.close()


async def test_no_table_is_read_whole_to_learn_who_asks(postgres: Postgres) -> None:
    text = cast("LiteralString", f"explain {load('principals')['find_principal']}")
    asked: dict[str, Any] = {
        "key_hash": "a" * 64,
        "end_user": "e",
        "end_user_budget_id": "b",
        "tags": ["t"],
        "limited": ["end_user", "tag"],
    }
    async with postgres.transaction() as transaction:
        # Tables of a test are small: only what no index serves is still read whole.
        await transaction.run("set local enable_seqscan = off")
        lines = await transaction.all(text, **asked)

    plan = [str(line["QUERY PLAN"]) for line in lines]
    whole = [line.strip() for line in plan if "Seq Scan on litellm" in line]
    assert any("Index" in line for line in plan)
    assert [] == whole
