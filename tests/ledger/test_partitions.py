"""The ledger's months are made ahead, and rows that have none raise an alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Millis
from shared.ledger.drain import drain
from shared.ledger.partitions import PartitionsReport, keep_partitions
from tests.ledger.rows import a_row, append

if TYPE_CHECKING:
    from shared.storage.stores import Stores

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
