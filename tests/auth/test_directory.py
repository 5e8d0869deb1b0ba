"""What one process knows: from memory, else Redis, else one statement, and never what is gone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.auth import directory as directories
from shared.auth.directory import CAPACITY, TRUSTED_WITHOUT_REDIS_MS, Directory
from shared.domain import KeyHash, Millis, Policy, Principal, Scope
from shared.errors import KeyNotFound, PostgresDown
from shared.storage import policies, principals
from shared.storage.policies import Deleted, Fence
from shared.storage.principals import Asking
from tests.storage.given import policy

if TYPE_CHECKING:
    from typing import LiteralString

    from local.door.server import DoorThread
    from shared.storage.policies import Entity
    from shared.storage.stores import Stores

NOW = Millis(1_760_000_000_000)
HASH = Asking(KeyHash("h1"))
KEY: Entity = (Scope.KEY, "h1")
TEAM: Entity = (Scope.TEAM, "t1")
USER: Entity = (Scope.USER, "u1")


@pytest.fixture
async def known(stores: Stores) -> None:
    """Key h1 of user u1 and team t1 in Postgres; Redis is empty."""
    statements: list[LiteralString] = [
        "insert into litellm_teamtable (team_id) values ('t1')",
        "insert into litellm_usertable (user_id) values ('u1')",
        "insert into litellm_verificationtoken (token, user_id, team_id) values ('h1', 'u1', 't1')",
    ]
    for statement in statements:
        await stores.postgres.run(statement)


@pytest.fixture
def sql(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The hashes that Postgres was asked for."""
    asked: list[str] = []
    find = principals.find_entries

    async def find_and_note(db: object, asking: Asking) -> list[Policy]:
        asked.append(asking.key_hash)
        return await find(db, asking)  # type: ignore[arg-type]

    monkeypatch.setattr(directories, "find_entries", find_and_note)
    return asked


async def change(stores: Stores, statement: LiteralString, *entities: Entity) -> None:
    """Change rows as an administrator does: commit, then publish."""
    await stores.postgres.run(statement)
    await policies.publish(stores.redis, await principals.find_policies(stores.postgres, entities))


@pytest.mark.usefixtures("known")
async def test_an_unknown_key_costs_one_statement_and_is_offered_to_redis(
    stores: Stores, door: DoorThread, sql: list[str]
) -> None:
    principal = await Directory(stores).find(HASH, NOW)

    assert (["h1"], {"MGET": 1, "EVALSHA": 1, "EVAL": 1}) == (sql, dict(door.calls.by_command))
    assert ("h1", "u1", "t1") == tuple(each.entity_id for each in principal.policies)
    offered = await policies.read(stores.redis, [KEY, USER, TEAM])
    assert [(p.entity_id, p.version) for p in principal.policies] == [
        (each.entity_id, each.version) for each in offered if isinstance(each, Policy)
    ]


@pytest.mark.usefixtures("known")
async def test_a_known_key_costs_nothing(stores: Stores, door: DoorThread, sql: list[str]) -> None:
    directory = Directory(stores)
    first = await directory.find(HASH, NOW)
    door.calls.reset()

    second = await directory.find(HASH, Millis(NOW + 10**9))

    assert (first, 0, ["h1"]) == (second, door.calls.http, sql)


@pytest.mark.usefixtures("known")
async def test_another_process_learns_from_redis(
    stores: Stores, door: DoorThread, sql: list[str]
) -> None:
    first = await Directory(stores).find(HASH, NOW)
    door.calls.reset()

    second = await Directory(stores).find(HASH, NOW)

    assert ({"MGET": 2}, ["h1"]) == (dict(door.calls.by_command), sql)
    assert [(p.entity_id, p.version) for p in first.policies] == [
        (p.entity_id, p.version) for p in second.policies
    ]
    assert {0} == {p.read_mark for p in second.policies}


@pytest.mark.usefixtures("known")
async def test_of_a_known_team_only_the_key_is_read(
    stores: Stores, door: DoorThread, sql: list[str]
) -> None:
    directory = Directory(stores)
    await directory.find(HASH, NOW)
    await change(
        stores,
        "insert into litellm_verificationtoken (token, team_id) values ('h2', 't1')",
        (Scope.KEY, "h2"),
    )
    door.calls.reset()

    await directory.find(Asking(KeyHash("h2")), NOW)

    assert ({"MGET": 1}, ["h1"]) == (dict(door.calls.by_command), sql)


@pytest.mark.usefixtures("known")
async def test_who_asks_afresh_sees_what_was_changed(stores: Stores, sql: list[str]) -> None:
    directory = Directory(stores)
    await directory.find(HASH, NOW)
    await change(stores, "update litellm_verificationtoken set blocked = true", KEY)
    await change(stores, "update litellm_teamtable set blocked = true", TEAM)

    principal = await directory.find(HASH, NOW, fresh=True)

    assert principal.team is not None
    assert (True, True) == (principal.key.blocked, principal.team.blocked)
    assert ["h1"] == sql


@pytest.mark.usefixtures("known")
async def test_what_was_learned_counts_from_then_on(stores: Stores) -> None:
    directory = Directory(stores)
    principal = await directory.find(HASH, NOW)
    newer = replace(principal.key, version=principal.key.version + 1, blocked=True)

    directory.learn([newer], NOW)

    assert newer == (await directory.find(HASH, NOW)).key


@pytest.mark.usefixtures("known")
async def test_what_is_older_is_not_learned(stores: Stores) -> None:
    directory = Directory(stores)
    principal = await directory.find(HASH, NOW)
    older = replace(principal.key, version=principal.key.version - 1, blocked=True)

    directory.learn([older, Fence(10**6), None], NOW)

    assert principal == await directory.find(HASH, NOW)


@pytest.mark.usefixtures("known")
async def test_the_freshest_reading_of_a_version_is_kept(stores: Stores) -> None:
    directory = Directory(stores)
    key = (await directory.find(HASH, NOW)).key
    assert key.read_mark > 0

    directory.learn([replace(key, read_mark=0)], NOW)

    assert key == (await directory.find(HASH, NOW)).key


@pytest.mark.usefixtures("known")
async def test_a_deleted_key_is_not_found_and_postgres_not_asked(
    stores: Stores, sql: list[str]
) -> None:
    directory = Directory(stores)
    await directory.find(HASH, NOW)
    await policies.publish(stores.redis, [Deleted(Scope.KEY, "h1", 10**6)])

    for _ in range(2):
        with pytest.raises(KeyNotFound):
            await directory.find(HASH, NOW, fresh=True)
    with pytest.raises(KeyNotFound):
        await directory.find(HASH, NOW)

    assert ["h1"] == sql


@pytest.mark.usefixtures("known")
async def test_a_slow_reader_resurrects_nothing(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read the row before the delete, and offers it to Redis after."""
    find = principals.find_entries

    async def read_and_be_overtaken(db: object, asking: Asking) -> list[Policy]:
        found = await find(db, asking)  # type: ignore[arg-type]
        await stores.postgres.run("delete from litellm_verificationtoken")
        await policies.publish(stores.redis, [Deleted(Scope.KEY, "h1", 10**6)])
        return found

    monkeypatch.setattr(directories, "find_entries", read_and_be_overtaken)
    slow = Directory(stores)
    await slow.find(HASH, NOW)

    assert [Deleted(Scope.KEY, "h1", 10**6)] == await policies.read(stores.redis, [KEY])
    for directory in (slow, Directory(stores)):
        with pytest.raises(KeyNotFound):
            await directory.find(HASH, NOW, fresh=True)


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize("entity", [KEY, USER, TEAM])
async def test_behind_a_fence_postgres_is_asked(
    stores: Stores, sql: list[str], entity: Entity
) -> None:
    await Directory(stores).find(HASH, NOW)
    await policies.fence(stores.redis, [entity], 10**6)

    principal = await Directory(stores).find(HASH, NOW)

    assert (["h1", "h1"], "h1") == (sql, principal.key.entity_id)
    assert [Fence(10**6)] == await policies.read(stores.redis, [entity])


@pytest.mark.usefixtures("known")
async def test_an_entry_that_cannot_be_read_is_read_from_postgres(
    stores: Stores, sql: list[str]
) -> None:
    await stores.redis.execute(["SET", "key:h1", '{"version":1}'])

    await Directory(stores).find(HASH, NOW)

    assert ["h1"] == sql


async def test_a_key_nobody_made_is_not_found(stores: Stores, sql: list[str]) -> None:
    with pytest.raises(KeyNotFound):
        await Directory(stores).find(HASH, NOW)

    assert ["h1"] == sql


@pytest.mark.usefixtures("known")
async def test_without_redis_memory_answers_for_a_minute_then_postgres(
    stores: Stores, door: DoorThread, sql: list[str]
) -> None:
    directory = Directory(stores)
    await directory.find(HASH, NOW)
    door.faults.add("refuse", times=None)

    for later in (0, TRUSTED_WITHOUT_REDIS_MS - 1):
        await directory.find(HASH, Millis(NOW + later), fresh=True)
    asked_within = len(sql)
    await directory.find(HASH, Millis(NOW + TRUSTED_WITHOUT_REDIS_MS), fresh=True)

    assert (1, 2) == (asked_within, len(sql))


@pytest.mark.usefixtures("known")
async def test_what_admit_vouched_for_is_trusted_for_another_minute(
    stores: Stores, door: DoorThread, sql: list[str]
) -> None:
    directory = Directory(stores)
    principal = await directory.find(HASH, NOW)
    later = Millis(NOW + 10 * TRUSTED_WITHOUT_REDIS_MS)
    directory.confirm(principal, later)
    door.faults.add("refuse", times=None)

    await directory.find(HASH, Millis(later + TRUSTED_WITHOUT_REDIS_MS - 1), fresh=True)

    assert ["h1"] == sql


@pytest.mark.usefixtures("known")
async def test_without_both_stores_a_known_key_is_served_for_a_minute(
    stores: Stores, door: DoorThread, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = Directory(stores)
    await directory.find(HASH, NOW)
    door.faults.add("refuse", times=None)

    async def down(*_: object) -> None:
        raise PostgresDown("away")

    monkeypatch.setattr(type(stores.postgres), "_answer", down)

    await directory.find(HASH, NOW, fresh=True)
    with pytest.raises(PostgresDown):
        await directory.find(HASH, Millis(NOW + TRUSTED_WITHOUT_REDIS_MS), fresh=True)
    with pytest.raises(PostgresDown):
        await directory.find(Asking(KeyHash("unknown")), NOW)


@pytest.mark.usefixtures("known")
async def test_with_postgres_away_redis_answers(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    await Directory(stores).find(HASH, NOW)

    async def down(*_: object) -> None:
        raise PostgresDown("away")

    monkeypatch.setattr(type(stores.postgres), "_answer", down)

    assert "h1" == (await Directory(stores).find(HASH, NOW, fresh=True)).key.entity_id


@pytest.mark.usefixtures("known")
async def test_a_key_that_moved_to_another_team_is_found_with_it(stores: Stores) -> None:
    directory = Directory(stores)
    await directory.find(HASH, NOW)
    await change(
        stores, "insert into litellm_teamtable (team_id) values ('t2')", (Scope.TEAM, "t2")
    )
    await change(stores, "update litellm_verificationtoken set team_id = 't2'", KEY)

    principal = await directory.find(HASH, NOW, fresh=True)

    assert "t2" == (principal.team.entity_id if principal.team else None)


async def test_only_so_many_are_remembered_and_the_least_recently_used_goes(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directories, "CAPACITY", 3)
    directory = Directory(stores)
    keys = [policy(1, entity_id=name) for name in "abcd"]
    directory.learn(keys[:3], NOW)
    directory.confirm(Principal(keys[0]), NOW)

    directory.learn(keys[3:], NOW)

    assert CAPACITY > 3
    assert ["c", "a", "d"] == [entity_id for _, entity_id in directory._known]
