"""Policy entries: written only over older ones, fenced while a change commits, read as written."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Key, Millis, Nanodollars, Policy, Scope, Team, User
from shared.storage import policies
from shared.storage.key_names import encode_id
from shared.storage.policies import Deleted, Fence, parse, redis_key, render
from tests.storage.given import SINCE, everything, policy

if TYPE_CHECKING:
    from shared.domain import Json
    from shared.storage.policies import Entry
    from shared.storage.redis import Redis

DAY_MS = 86_400_000
K1 = (Scope.KEY, "k1")

FULL_KEY = Key(
    scope=Scope.KEY,
    entity_id="k1",
    version=2**53,
    blocked=True,
    models=("gpt-4o", "openai/*"),
    max_budget=Nanodollars(10**15 + 1),
    budget_duration="1d",
    budget_reset_at=Millis(SINCE + 1),
    budget_started_at=Millis(SINCE),
    budget_opening=Nanodollars(3),
    rpm_limit=0,
    tpm_limit=10,
    max_parallel_requests=1,
    metadata={"a": {"b": [1, "é✓\n", None]}},
    key_name="sk-...abcd",
    key_alias="alias",
    user_id="u:1",
    team_id="t\n1",
    expires=Millis(SINCE + 2),
    allowed_routes=("/v1/chat/completions",),
    aliases={"a": "b"},
    permissions={"allow_model_list": False},
)
USER = User(
    scope=Scope.USER,
    entity_id="u:1",
    version=3,
    budget_started_at=Millis(0),
    role="proxy_admin",
)
TEAM = Team(
    scope=Scope.TEAM,
    entity_id="t\n1",
    version=4,
    budget_started_at=Millis(0),
    team_alias="team",
    model_aliases={"x": "y"},
)


def entity_of(entry: Policy | Deleted) -> tuple[Scope, str]:
    return entry.scope, entry.entity_id


@pytest.mark.parametrize(
    "entry", [FULL_KEY, USER, TEAM, policy(1), Deleted(Scope.TEAM, "t1", 2**53)]
)
async def test_an_entry_is_read_as_it_was_published(redis: Redis, entry: Policy | Deleted) -> None:
    assert 1 == await policies.publish(redis, [entry])

    assert [entry] == await policies.read(redis, [entity_of(entry)])


async def test_entries_live_for_a_day(redis: Redis) -> None:
    await policies.publish(redis, [FULL_KEY, Deleted(Scope.USER, "u1", 5)])

    after = await everything(redis)
    assert {"key:k1", "policy:user:u1"} == after.keys()
    for value in after.values():
        assert DAY_MS - 5000 < (value.expires_in or 0) <= DAY_MS


async def test_the_version_comes_first_where_scripts_look_for_it() -> None:
    for entry in (FULL_KEY, Deleted(Scope.KEY, "k1", 7), policy(7)):
        assert render(entry).startswith(f'{{"version":{entry.version},')


@pytest.mark.parametrize(("standing", "new", "stands"), [(5, 6, 6), (5, 5, 5), (5, 4, 5)])
async def test_the_newer_entry_stands(redis: Redis, standing: int, new: int, stands: int) -> None:
    await policies.publish(redis, [policy(standing)])

    written = await policies.publish(redis, [policy(new)])

    assert (1 if new >= standing else 0) == written
    assert [policy(stands)] == await policies.read(redis, [K1])


async def test_a_slow_reader_resurrects_nothing(redis: Redis) -> None:
    deleted = Deleted(Scope.KEY, "k1", 6)
    await policies.publish(redis, [deleted])

    assert 0 == await policies.publish(redis, [policy(5)])

    assert [deleted] == await policies.read(redis, [K1])


async def test_each_entry_is_judged_by_itself(redis: Redis) -> None:
    await policies.publish(redis, [policy(5)])

    assert 1 == await policies.publish(redis, [policy(4), policy(4, entity_id="k2")])

    assert [policy(5), policy(4, entity_id="k2"), None] == await policies.read(
        redis, [K1, (Scope.KEY, "k2"), (Scope.KEY, "k3")]
    )


@pytest.mark.parametrize(("version", "stands"), [(8, Fence(9)), (9, Fence(9)), (10, policy(10))])
async def test_a_fence_keeps_out_what_was_committed_before_it(
    redis: Redis, version: int, stands: Entry
) -> None:
    await policies.publish(redis, [policy(7)])
    await policies.fence(redis, [K1], 9)

    await policies.publish(redis, [policy(version)])

    assert [stands] == await policies.read(redis, [K1])


async def test_a_fence_stands_for_a_minute(redis: Redis) -> None:
    await policies.publish(redis, [policy(7)])

    await policies.fence(redis, [K1, (Scope.USER, "u:1")], 9)

    after = await everything(redis)
    assert {"key:k1", "policy:user:u%3A1"} == after.keys()
    for value in after.values():
        assert 55_000 < (value.expires_in or 0) <= 60_000


@pytest.mark.parametrize(
    ("standing", "number", "stands"),
    [
        (policy(9), 8, policy(9)),
        (policy(9), 9, policy(9)),
        (policy(9), 10, Fence(10)),
        (Deleted(Scope.KEY, "k1", 9), 10, Fence(10)),
        (Deleted(Scope.KEY, "k1", 9), 8, Deleted(Scope.KEY, "k1", 9)),
    ],
)
async def test_a_fence_comes_only_before_what_is_older(
    redis: Redis, standing: Policy | Deleted, number: int, stands: Entry
) -> None:
    await policies.publish(redis, [standing])

    await policies.fence(redis, [K1], number)

    assert [stands] == await policies.read(redis, [K1])


@pytest.mark.parametrize(("first", "second"), [(9, 12), (12, 9), (12, 12)])
async def test_of_two_fences_the_higher_stands(redis: Redis, first: int, second: int) -> None:
    await policies.fence(redis, [K1], first)
    await policies.fence(redis, [K1], second)

    assert [Fence(12)] == await policies.read(redis, [K1])


async def test_a_fence_is_lifted_by_its_number_and_what_stood_is_put_back(redis: Redis) -> None:
    other, none = (Scope.KEY, "k2"), (Scope.KEY, "k3")
    await policies.publish(redis, [policy(7)])
    await policies.fence(redis, [K1, other, none], 9)
    await policies.fence(redis, [other], 11)

    await policies.lift(redis, 9, [(K1, policy(7)), (other, policy(3)), (none, None)])

    assert [policy(7), Fence(11), None] == await policies.read(redis, [K1, other, none])
    assert 86_000_000 < ((await everything(redis))["key:k1"].expires_in or 0)


async def test_nothing_asked_is_nothing_done(redis: Redis) -> None:
    await policies.fence(redis, [], 9)

    assert 0 == await policies.publish(redis, [])
    assert [] == await policies.read(redis, [])
    assert {} == await everything(redis)


@pytest.mark.parametrize(
    "text",
    [
        "rubbish",
        "",
        "[]",
        "7",
        "null",
        '{"version":"7"}',
        '{"version":7}',
        '{"version":7,"budget_started_at":1,"models":5}',
        '{"fence":null}',
        '{"version":7,',
    ],
)
async def test_what_is_no_entry_counts_as_nothing(redis: Redis, text: str) -> None:
    await redis.execute(["SET", "key:k1", text])

    assert [None] == await policies.read(redis, [K1])


def test_columns_of_a_newer_release_are_passed_over() -> None:
    entry = parse(K1, '{"version":7,"budget_started_at":1,"scope":"x","invented_later":true}')

    assert isinstance(entry, Key)
    assert 7 == entry.version


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 10**30])
async def test_whole_numbers_beyond_64_bits_can_be_published(redis: Redis, number: int) -> None:
    entry = Key(
        scope=Scope.KEY,
        entity_id="k1",
        version=7,
        max_budget=Nanodollars(number),
        budget_started_at=Millis(0),
        metadata={"n": number},
    )

    await policies.publish(redis, [entry])

    (found,) = await policies.read(redis, [K1])
    assert isinstance(found, Key)
    assert number == found.max_budget


SAFE = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.tuples(SAFE, SAFE))
def test_different_ids_never_share_a_key(ids: tuple[str, str]) -> None:
    first, second = ids

    assert (first == second) == (encode_id(first) == encode_id(second))


@given(SAFE)
def test_an_encoded_id_cannot_forge_a_key(entity_id: str) -> None:
    assert not set(":{}\n\r \t\0") & set(encode_id(entity_id))


@pytest.mark.parametrize("entity_id", ["user-1", "a@b.c", "550e8400-e29b", "Ünï/x_y"])
def test_ordinary_ids_stay_readable(entity_id: str) -> None:
    assert f"policy:user:{entity_id}" == redis_key(Scope.USER, entity_id)


JSON: st.SearchStrategy[Json] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | SAFE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(SAFE, inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(SAFE, JSON, max_size=3), st.lists(SAFE, max_size=3), st.integers(0, 2**63))
def test_any_policy_survives_the_way_to_redis_and_back(
    metadata: dict[str, Json], models: list[str], version: int
) -> None:
    entry = Key(
        scope=Scope.KEY,
        entity_id="k1",
        version=version,
        models=tuple(models),
        budget_started_at=Millis(0),
        metadata=MappingProxyType(metadata),
    )

    found = parse(K1, render(entry))

    assert isinstance(found, Key)
    assert (entry.models, entry.version) == (found.models, found.version)
    assert metadata == dict(found.metadata)
