"""Postgres goes back to an earlier moment, by a backup or a fail-over; Redis stays as it is."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from psycopg.sql import SQL, Identifier

from shared.domain import Nanodollars, Scope
from shared.errors import StoreDown
from shared.ledger.drain import drain
from shared.ledger.reconcile import reconcile
from shared.limits.counters import make_missing
from shared.storage.plans import Bearer, BudgetLine
from tests.ledger.rows import NOON, SINCE, a_row, append, balanced, books
from tests.storage.given import counter, given_counter

if TYPE_CHECKING:
    import psycopg

    from shared.storage.stores import Stores

KNOWN = 1_000_000_000
"""What the builders' entities have spent, by the backup."""

TEAM = Bearer(Scope.TEAM, "t")
LINE = BudgetLine(
    TEAM.budget_key, SINCE, Nanodollars(0), Nanodollars(9 * KNOWN), refuses_at_limit=False
)
BUDGET = replace(LINE, bearer=TEAM)


async def given_restored(stores: Stores, direct: psycopg.Connection) -> None:
    """Book a row of five nanodollars, then have Postgres as it was before."""
    await append(stores, a_row(5))
    await drain(stores, NOON)
    direct.execute("truncate litellm_spendlogs, litellm_dailyuserspend, ledger_position")
    for table in ("litellm_verificationtoken", "litellm_usertable", "litellm_teamtable"):
        direct.execute(SQL("update {} set spend = 1").format(Identifier(table)))


async def test_budgets_are_not_made_of_what_may_lack_rows(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await given_restored(stores, direct)

    with pytest.raises(StoreDown):
        await make_missing(stores, [BUDGET])


async def test_a_drain_without_a_row_lets_budgets_be_made_again(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await given_restored(stores, direct)

    await drain(stores, NOON)

    assert await make_missing(stores, [BUDGET])
    assert (SINCE, KNOWN, 0) == await counter(stores.redis, TEAM.budget_key)


async def test_a_counter_comes_to_say_what_the_backup_says(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await given_counter(stores.redis, TEAM.budget_key, spent=KNOWN + 5, since=SINCE)
    await given_restored(stores, direct)

    await drain(stores, NOON)
    report = await reconcile(stores, NOON)

    assert (1, 5e-9) == (report.mended, report.drift)
    assert (SINCE, KNOWN, 0) == await counter(stores.redis, TEAM.budget_key)


async def test_rows_that_came_meanwhile_are_booked(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await given_restored(stores, direct)
    await append(stores, a_row(7))

    await drain(stores, NOON)

    assert balanced(1, 7) == books(direct)
    assert await make_missing(stores, [BUDGET])
