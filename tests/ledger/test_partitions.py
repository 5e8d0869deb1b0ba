"""The ledger's months are made ahead, and rows that have none raise an alarm."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.domain import Millis, Scope
from shared.errors import PostgresDown
from shared.ledger.drain import drain
from shared.ledger.partitions import PartitionsReport, keep_partitions
from tests.ledger.rows import NOON, a_row, append, books, column

if TYPE_CHECKING:
    from shared.storage.stores import Stores

DAY = 86_400_000
IN_2031 = Millis(1_925_000_000_000)


async def test_this_month_and_the_next_three_are_made_once(stores: Stores) -> None:
    made = ("2031_01", "2031_02", "2031_03", "2031_04")

    reports = [await keep_partitions(stores, IN_2031) for _ in range(2)]

    first = PartitionsReport(tuple(f"litellm_spendlogs_{month}" for month in made), strays=0)
    assert [first, PartitionsReport((), strays=0)] == reports


async def test_rows_of_no_month_are_told(stores: Stores) -> None:
    await append(stores, a_row(5, at=Millis(4_000_000_000_000)))
    await drain(stores, IN_2031)

    report = await keep_partitions(stores, IN_2031)

    assert 1 == report.strays


async def test_rows_that_waited_for_their_month_move_there(stores: Stores) -> None:
    await append(stores, a_row(5, at=IN_2031))
    await drain(stores, IN_2031)

    report = await keep_partitions(stores, IN_2031)

    rows = await stores.postgres.all("select count(*) as n from litellm_spendlogs_2031_01")
    assert (0, [{"n": 1}]) == (report.strays, rows)


async def test_months_that_need_not_be_kept_are_dropped_with_their_rows(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await keep_partitions(stores, NOON)
    await append(stores, a_row(5), a_row(7, at=Millis(NOON + 30 * DAY)))
    await drain(stores, NOON)

    report = await keep_partitions(stores, Millis(NOON + 60 * DAY), kept="45d")

    assert ("litellm_spendlogs_2026_11",) == report.dropped
    assert [(1, Decimal("0.000000007"))] == direct.execute(
        "select count(*), sum(spend) from litellm_spendlogs"
    ).fetchall()
    assert [(None,)] == direct.execute("select to_regclass('litellm_spendlogs_2026_11')").fetchall()


async def test_what_the_dropped_rows_added_up_to_stays(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await keep_partitions(stores, NOON)
    await append(stores, a_row(5))
    await drain(stores, NOON)
    before = column(direct, Scope.KEY), books(direct)[-1]

    await keep_partitions(stores, Millis(NOON + 100 * DAY), kept="30d")

    assert before == (column(direct, Scope.KEY), books(direct)[-1])


@pytest.mark.parametrize("kept", [None, "100d", "4mo"])
async def test_a_month_of_which_something_must_be_kept_stays(
    stores: Stores, direct: psycopg.Connection, kept: str | None
) -> None:
    await keep_partitions(stores, NOON)
    await append(stores, a_row(5))
    await drain(stores, NOON)

    report = await keep_partitions(stores, Millis(NOON + 100 * DAY), kept=kept)

    assert () == report.dropped
    assert 1 == books(direct)[0]


async def test_dropping_waits_for_nobody_for_long_and_is_tried_again(
    stores: Stores, direct: psycopg.Connection, postgres_dsn: str
) -> None:
    assert direct
    later = Millis(NOON + 100 * DAY)
    await keep_partitions(stores, NOON)
    await keep_partitions(stores, later)
    with psycopg.connect(postgres_dsn) as reader:
        reader.execute("select count(*) from litellm_spendlogs")
        with pytest.raises(PostgresDown):
            await keep_partitions(stores, later, kept="30d")

    report = await keep_partitions(stores, later, kept="30d")

    assert "litellm_spendlogs_2026_11" in report.dropped
