"""What a missing budget counter starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.domain import Millis, Nanodollars, Scope
from shared.storage.plans import Bearer
from shared.storage.seeds import Seed, Seeds, budget_seeds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.storage.postgres import Postgres


TEAM = Bearer(Scope.TEAM, "t")


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

    seeds = await budget_seeds(database, [TEAM])

    known = Seed(Millis(1_793_491_200_007), Nanodollars(1_000_000_001))
    assert Seeds("9-1", {TEAM: known}) == seeds


@pytest.mark.usefixtures("direct")
async def test_the_position_of_a_ledger_that_was_never_drained_is_its_beginning(
    database: Postgres,
) -> None:
    assert "0-0" == (await budget_seeds(database, [TEAM])).position


@pytest.mark.usefixtures("direct")
async def test_an_entity_that_is_not_there_has_no_seed(database: Postgres) -> None:
    wanted = [Bearer(Scope.USER, "t"), TEAM, Bearer(Scope.KEY, "none")]

    seeds = await budget_seeds(database, wanted)

    assert [TEAM] == list(seeds.by_bearer)


async def test_a_window_is_seeded_from_its_own_row_and_no_other(
    database: Postgres, direct: psycopg.Connection
) -> None:
    direct.execute(
        "insert into budget_window (scope, entity_id, name, spend, budget_started_at) values"
        " ('team', 't', '1d', 0.5, '2026-11-01T00:00:00Z'), ('proxy', 'proxy', '-', 2, 'epoch')"
    )
    day, hour = Bearer(Scope.TEAM, "t", "1d"), Bearer(Scope.TEAM, "t", "1h")
    proxy = Bearer(Scope.PROXY, "proxy")

    seeds = await budget_seeds(database, [day, hour, proxy])

    assert {
        day: Seed(Millis(1_793_491_200_000), Nanodollars(500_000_000)),
        proxy: Seed(Millis(0), Nanodollars(2_000_000_000)),
    } == seeds.by_bearer
