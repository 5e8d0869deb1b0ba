"""A policy whose write to Redis was lost is there within a tick of the ledger function."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from psycopg.sql import SQL, Identifier

from shared.domain import Millis, Scope
from shared.ledger import republish as republishing
from shared.ledger.republish import RepublishReport, republish
from shared.storage.columns import moment
from shared.storage.policies import Deleted, fence, publish, read
from shared.storage.principals import find_policies
from tests.ledger.rows import NOON

if TYPE_CHECKING:
    import psycopg
    import pytest

    from shared.storage.policies import Entry
    from shared.storage.stores import Stores

TEAM = (Scope.TEAM, "t")
MINUTE = 60_000
DAY = 24 * 60 * MINUTE
CHANGED = {"litellm_teamtable", "litellm_usertable", "litellm_verificationtoken"}


def given_changed(direct: psycopg.Connection, *, minutes_ago: int = 1) -> None:
    """Date what the key, its user and its team are back from noon, and all else long before."""
    versioned = direct.execute(
        """
        select table_name
        from information_schema.columns
        where table_schema = current_schema()
          and column_name = 'changed_at'
          and table_name <> 'policy'
        """
    ).fetchall()
    for (table,) in versioned:
        ago = minutes_ago * MINUTE if table in CHANGED else DAY
        direct.execute(
            SQL("update {} set changed_at = %s").format(Identifier(table)), (moment(NOON - ago),)
        )


async def entry(stores: Stores) -> Entry:
    (found,) = await read(stores.redis, [TEAM])
    return found


async def test_what_changed_lately_is_written_to_redis(
    stores: Stores, direct: psycopg.Connection
) -> None:
    given_changed(direct)

    report = await republish(stores, NOON)

    (team,) = await find_policies(stores.postgres, [TEAM])
    assert RepublishReport(changed=3, written=3) == report
    assert replace(team, read_mark=0) == await entry(stores)


async def test_what_changed_long_ago_is_left(stores: Stores, direct: psycopg.Connection) -> None:
    given_changed(direct, minutes_ago=16)

    assert RepublishReport(changed=0, written=0) == await republish(stores, NOON)


async def test_what_was_deleted_lately_is_a_tombstone_in_redis(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await publish(stores.redis, await find_policies(stores.postgres, [TEAM]))
    direct.execute("delete from litellm_verificationtoken")
    direct.execute("delete from litellm_teamtable")
    direct.execute("update policy_tombstone set deleted_at = %s", (moment(NOON - MINUTE),))

    await republish(stores, NOON)

    assert isinstance(await entry(stores), Deleted)


async def test_a_newer_entry_stays(stores: Stores, direct: psycopg.Connection) -> None:
    given_changed(direct)
    newer = Deleted(*TEAM, version=1_000_000)
    await publish(stores.redis, [newer])

    await republish(stores, NOON)

    assert newer == await entry(stores)


async def test_a_fence_stays_before_what_is_older(
    stores: Stores, direct: psycopg.Connection
) -> None:
    given_changed(direct)
    await fence(stores.redis, [TEAM], 1_000_000)
    before = await entry(stores)

    await republish(stores, NOON)

    assert before == await entry(stores)


async def test_many_changes_come_in_pages(
    stores: Stores, direct: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(republishing, "PAGE", 10)
    given_changed(direct)
    direct.execute(
        "insert into litellm_usertable (user_id, changed_at)"
        " select 'u' || n, %s from generate_series(1, 30) as n",
        (moment(NOON),),
    )

    report = await republish(stores, NOON)

    assert RepublishReport(changed=33, written=33) == report


async def test_a_second_run_is_harmless(stores: Stores, direct: psycopg.Connection) -> None:
    given_changed(direct)
    await republish(stores, NOON)
    before = await entry(stores)

    await republish(stores, Millis(NOON + MINUTE))

    assert before == await entry(stores)
