"""Keys, users and teams as the database tells them, in the domain's units."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.domain import (
    Key,
    KeyHash,
    Millis,
    Nanodollars,
    Policy,
    Principal,
    Scope,
    Team,
    User,
)
from shared.storage.policies import Deleted
from shared.storage.principals import Asking, changed_policies, find_entries, find_policies
from tests.storage.given import find_principal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.storage.postgres import Postgres

HASH = KeyHash("a" * 64)
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
STARTED = "2026-11-01T00:00:00.123Z"
STARTED_MS = Millis(1_793_491_200_123)


@pytest.fixture
def direct(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    """A session of its own, to arrange what is there."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        yield connection


def given_everything(direct: psycopg.Connection) -> None:
    direct.execute(
        """
        insert into litellm_teamtable (
            team_id, team_alias, blocked, models, max_budget, budget_started_at, model_aliases
        )
        values ('t', 'Team', true, '{gpt-4o}', 7.5, %(started)s, '{"fast": "gpt-4o", "odd": 3}')
        """,
        {"started": STARTED},
    )
    direct.execute(
        """
        insert into litellm_usertable (user_id, user_role, rpm_limit, tpm_limit, budget_started_at)
        values ('u', 'proxy_admin', 60, 9000000000, %(started)s)
        """,
        {"started": STARTED},
    )
    direct.execute(
        """
        insert into litellm_verificationtoken (
            token, key_name, key_alias, user_id, team_id, models, max_budget, spend,
            budget_duration, budget_reset_at, budget_started_at, budget_opening,
            max_parallel_requests, expires, permissions, metadata, aliases, allowed_routes
        )
        values (
            %(token)s, 'sk-...abcd', 'alias', 'u', 't', '{a,b}', 0.000000001, 3, '30d',
            '2026-12-01T00:00:00.9999Z', %(started)s, 0.5, 4, '2027-01-01T00:00:00Z',
            '{"allow_model_list": false}', '{"k": [1, null]}', '{"x": "y"}', '{/v1/models}'
        )
        """,
        {"token": HASH, "started": STARTED},
    )


def unversioned(policy: Policy | None) -> Policy | None:
    """Leave out the numbers that depend on what was written before."""
    return None if policy is None else replace(policy, version=0, read_mark=0)


async def principal(database: Postgres) -> Principal:
    return await find_principal(database, HASH)


async def test_an_unknown_key_is_nobody(database: Postgres) -> None:
    assert [] == await find_entries(database, Asking(KeyHash(HASH)))


async def test_a_keys_columns_come_in_the_domains_units(
    database: Postgres, direct: psycopg.Connection
) -> None:
    given_everything(direct)

    key = (await principal(database)).key

    expected = Key(
        scope=Scope.KEY,
        entity_id=HASH,
        version=0,
        key_name="sk-...abcd",
        key_alias="alias",
        user_id="u",
        team_id="t",
        models=("a", "b"),
        max_budget=Nanodollars(1),
        budget_duration="30d",
        budget_reset_at=Millis(1_796_083_200_999),
        budget_started_at=STARTED_MS,
        budget_opening=Nanodollars(500_000_000),
        max_parallel_requests=4,
        expires=Millis(1_798_761_600_000),
        permissions={"allow_model_list": False},
        metadata={"k": [1, None]},
        aliases={"x": "y"},
        allowed_routes=("/v1/models",),
    )
    assert expected == unversioned(key)


async def test_a_users_columns_come_along(database: Postgres, direct: psycopg.Connection) -> None:
    given_everything(direct)

    user = (await principal(database)).user

    expected = User(
        scope=Scope.USER,
        entity_id="u",
        version=0,
        role="proxy_admin",
        rpm_limit=60,
        tpm_limit=9_000_000_000,
        budget_started_at=STARTED_MS,
    )
    assert expected == unversioned(user)


async def test_a_teams_columns_come_along_with_the_aliases_that_are_names(
    database: Postgres, direct: psycopg.Connection
) -> None:
    given_everything(direct)

    team = (await principal(database)).team

    expected = Team(
        scope=Scope.TEAM,
        entity_id="t",
        version=0,
        team_alias="Team",
        blocked=True,
        models=("gpt-4o",),
        max_budget=Nanodollars(7_500_000_000),
        budget_started_at=STARTED_MS,
        model_aliases={"fast": "gpt-4o"},
    )
    assert expected == unversioned(team)


async def test_a_key_of_its_own_has_neither_user_nor_team(
    database: Postgres, direct: psycopg.Connection
) -> None:
    direct.execute("insert into litellm_verificationtoken (token) values (%s)", (HASH,))

    found = await principal(database)

    assert (None, None) == (found.user, found.team)


@pytest.mark.parametrize("document", [None, "null", "[]", "3"])
async def test_documents_that_are_no_objects_count_as_empty(
    database: Postgres, direct: psycopg.Connection, document: str | None
) -> None:
    direct.execute(
        "insert into litellm_verificationtoken (token, metadata, permissions)"
        " values (%(token)s, %(document)s, %(document)s)",
        {"token": HASH, "document": document},
    )

    key = (await principal(database)).key

    assert ({}, {}) == (key.metadata, key.permissions)


async def test_a_budget_beyond_what_redis_counts_is_as_much_as_it_counts(
    database: Postgres, direct: psycopg.Connection
) -> None:
    direct.execute(
        "insert into litellm_verificationtoken (token, max_budget) values (%s, 1e28)", (HASH,)
    )

    assert 2**63 - 1 == (await principal(database)).key.max_budget


async def test_the_read_mark_is_as_new_as_the_newest_version(
    database: Postgres, direct: psycopg.Connection
) -> None:
    given_everything(direct)

    found = await principal(database)

    newest = max(policy.version for policy in found.policies)
    assert {newest} == {policy.read_mark for policy in found.policies}


async def test_policies_are_found_by_scope_and_id(
    database: Postgres, direct: psycopg.Connection
) -> None:
    given_everything(direct)

    found = await find_policies(
        database, [(Scope.TEAM, "t"), (Scope.KEY, HASH), (Scope.USER, "t"), (Scope.USER, "none")]
    )

    assert {Scope.TEAM: "t", Scope.KEY: HASH} == {p.scope: p.entity_id for p in found}


async def test_no_policies_are_found_where_none_are_asked_for(database: Postgres) -> None:
    assert [] == await find_policies(database, [])


async def test_changes_come_by_rising_version_with_what_was_deleted(
    database: Postgres, direct: psycopg.Connection
) -> None:
    given_everything(direct)
    direct.execute("delete from litellm_verificationtoken")
    direct.execute("update litellm_teamtable set blocked = false")

    changes = await changed_policies(database, LONG_AGO)

    assert [
        (User, Scope.USER, "u"),
        (Deleted, Scope.KEY, HASH),
        (Team, Scope.TEAM, "t"),
    ] == [(type(change), change.scope, change.entity_id) for change in changes]


async def test_changes_come_in_pages(database: Postgres, direct: psycopg.Connection) -> None:
    direct.execute(
        "insert into litellm_usertable (user_id) select 'u' || n from generate_series(1, 5) n"
    )
    direct.execute("delete from litellm_usertable where user_id = 'u3'")

    first = await changed_policies(database, LONG_AGO, most=3)
    second = await changed_policies(database, LONG_AGO, after=first[-1].version, most=3)

    assert ["u1", "u2", "u4"] == [change.entity_id for change in first]
    assert ["u5", "u3"] == [change.entity_id for change in second]


async def test_what_changed_before_is_no_change(
    database: Postgres, direct: psycopg.Connection
) -> None:
    given_everything(direct)
    direct.execute("delete from litellm_verificationtoken")

    assert [] == await changed_policies(database, datetime.now(UTC) + timedelta(hours=1))


async def test_accounting_is_no_change(database: Postgres, direct: psycopg.Connection) -> None:
    direct.execute(
        "insert into litellm_usertable (user_id, changed_at) values ('u', %s)", (LONG_AGO,)
    )

    direct.execute("update litellm_usertable set spend = 9, budget_started_at = now()")

    assert [] == await changed_policies(database, LONG_AGO + timedelta(days=1))
