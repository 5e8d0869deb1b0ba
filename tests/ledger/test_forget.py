"""Counters of the deleted end, those of everybody else do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Millis
from shared.ledger.reconcile import reconcile
from tests.ledger.rows import NOON, SINCE
from tests.storage.given import everything, given_counter

if TYPE_CHECKING:
    import psycopg

    from shared.storage.stores import Stores

HOUR_MS = 60 * 60 * 1000
COUNTERS = ("budget:team:gone:-", "budget:team:gone:1h", "budget:team:t:-")


async def given_a_deleted_team(stores: Stores, direct: psycopg.Connection) -> None:
    direct.execute("insert into litellm_teamtable (team_id) values ('gone')")
    direct.execute("delete from litellm_teamtable where team_id = 'gone'")
    direct.execute("update policy_tombstone set deleted_at = to_timestamp(%s / 1000.0)", (NOON,))
    direct.commit()
    for counter in COUNTERS:
        await given_counter(stores.redis, counter, spent=1, since=SINCE)


async def test_counters_end_an_hour_after_whose_they_were(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await given_a_deleted_team(stores, direct)

    await reconcile(stores, Millis(NOON + HOUR_MS - 1))
    before = set(COUNTERS) & (await everything(stores.redis)).keys()
    await reconcile(stores, Millis(NOON + HOUR_MS + 1))
    after = set(COUNTERS) & (await everything(stores.redis)).keys()

    assert (set(COUNTERS), {"budget:team:t:-"}) == (before, after)


async def test_who_was_made_again_keeps_the_counter(
    stores: Stores, direct: psycopg.Connection
) -> None:
    await given_a_deleted_team(stores, direct)
    direct.execute("insert into litellm_teamtable (team_id) values ('gone')")
    direct.commit()

    await reconcile(stores, Millis(NOON + 2 * HOUR_MS))

    assert set(COUNTERS) <= (await everything(stores.redis)).keys()
