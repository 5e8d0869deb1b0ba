"""Months of the ledger are made ahead, and rows that fit none are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain import Millis
from shared.settings import Settings
from shared.storage.partitions import add_partitions, count_strays
from shared.storage.postgres import Postgres
from shared.storage.spend_rows import book
from tests.ledger.rows import a_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NEW_YEARS_EVE = Millis(1_924_991_999_999)  # 2030-12-31T23:59:59.999Z


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Postgres]:
    database = Postgres(Settings(master_key="sk-m", database_url=postgres_dsn))
    yield database
    await database.close()


async def test_months_are_made_ahead(database: Postgres) -> None:
    made = await add_partitions(database, NEW_YEARS_EVE, 2)

    assert [
        "litellm_spendlogs_2030_12",
        "litellm_spendlogs_2031_01",
        "litellm_spendlogs_2031_02",
    ] == made


async def test_a_month_is_made_once(database: Postgres) -> None:
    await add_partitions(database, NEW_YEARS_EVE, 0)

    made = await add_partitions(database, NEW_YEARS_EVE, 1)

    assert ["litellm_spendlogs_2031_01"] == made


async def test_the_last_and_the_first_millisecond_lie_in_their_months(database: Postgres) -> None:
    await add_partitions(database, NEW_YEARS_EVE, 1)

    await book(database, [a_row(at=NEW_YEARS_EVE), a_row(at=Millis(NEW_YEARS_EVE + 1))])

    rows = await database.all(
        "select tableoid::regclass::text as partition from litellm_spendlogs order by id"
    )
    assert [
        {"partition": "litellm_spendlogs_2030_12"},
        {"partition": "litellm_spendlogs_2031_01"},
    ] == rows


async def test_rows_without_a_month_are_counted_until_it_is_made(database: Postgres) -> None:
    await book(database, [a_row(at=NEW_YEARS_EVE)])
    before = await count_strays(database)

    await add_partitions(database, NEW_YEARS_EVE, 0)

    assert (1, 0) == (before, await count_strays(database))
