"""What a missing budget counter starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.domain import Millis, Nanodollars, Scope
from shared.settings import Settings
from shared.storage.postgres import Postgres
from shared.storage.seeds import Seed, budget_seeds

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


@pytest.fixture
async def database(postgres_dsn: str) -> AsyncIterator[Postgres]:
    database = Postgres(Settings(master_key="sk-m", database_url=postgres_dsn))
    yield database
    await database.close()


@pytest.fixture
def direct(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute(
            "insert into litellm_teamtable (team_id, spend, budget_started_at)"
            " values ('t', 1.000000001, '2026-11-01T00:00:00.007Z')"
        )
        yield connection


async def test_a_seed_is_the_column_its_period_and_the_drains_position(
    database: Postgres, direct: psycopg.Connection
) -> None:
    direct.execute("insert into ledger_position (shard, stream_id) values (0, '9-1'), (1, '7-7')")

    seeds = await budget_seeds(database, [(Scope.TEAM, "t")])

    since, spend = Millis(1_793_491_200_007), Nanodollars(1_000_000_001)
    assert [Seed(Scope.TEAM, "t", since, spend, "9-1")] == seeds


@pytest.mark.usefixtures("direct")
async def test_the_position_of_a_ledger_that_was_never_drained_is_its_beginning(
    database: Postgres,
) -> None:
    (seed,) = await budget_seeds(database, [(Scope.TEAM, "t")])

    assert "0-0" == seed.position


@pytest.mark.usefixtures("direct")
async def test_an_entity_that_is_not_there_has_no_seed(database: Postgres) -> None:
    wanted = [(Scope.USER, "t"), (Scope.TEAM, "t"), (Scope.KEY, "none")]

    seeds = await budget_seeds(database, wanted)

    assert [(Scope.TEAM, "t")] == [(seed.scope, seed.entity_id) for seed in seeds]
