"""A migration only adds, gives way to the gateway's work, and shows before it does."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from shared.errors import PostgresDown
from shared.storage.schema import Destructive, migrate

SCHEMA = (Path(__file__).parents[2] / "schema.sql").read_text()


@pytest.fixture
def empty(postgres_dsn: str) -> str:
    """A database with nothing in it."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
    return postgres_dsn


def has_table(dsn: str, name: str) -> bool:
    with psycopg.connect(dsn) as connection:
        row = connection.execute("select to_regclass(%s) is not null", [name]).fetchone()
    return row is not None and row[0]


def test_an_empty_database_gets_every_table(empty: str) -> None:
    added = migrate(empty, SCHEMA)

    assert "table litellm_verificationtoken" in added
    assert has_table(empty, "litellm_spendlogs")


def test_a_second_time_adds_nothing(postgres_dsn: str) -> None:
    assert [] == migrate(postgres_dsn, SCHEMA)


def test_a_dry_run_tells_and_changes_nothing(empty: str) -> None:
    added = migrate(empty, SCHEMA, is_dry_run=True)

    assert "table litellm_teamtable" in added
    assert not has_table(empty, "litellm_teamtable")


def test_a_new_column_is_told_with_its_type(postgres_dsn: str) -> None:
    grown = SCHEMA + "alter table litellm_teamtable add column if not exists colour text;"

    assert ["column litellm_teamtable.colour text"] == migrate(postgres_dsn, grown)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("drop table policy_kept", "table policy_kept is gone"),
        ("alter table policy_kept drop column note", "policy_kept.note is gone"),
        (
            "alter table policy_kept alter column note type varchar(9)",
            "note was text and became character varying",
        ),
        (
            "alter table policy_kept alter column note set not null",
            "policy_kept.note must have a value now",
        ),
        (
            "delete from policy_kept; alter table policy_kept add column colour text not null",
            "policy_kept.colour has no default",
        ),
        ("truncate litellm_config", "litellm_config was emptied or rewritten"),
        ("delete from policy_kept", "1 rows were deleted"),
    ],
)
def test_what_takes_something_away_is_refused_and_undone(
    postgres_dsn: str, change: str, told: str
) -> None:
    with psycopg.connect(postgres_dsn) as connection:
        connection.execute("create table policy_kept (n int, note text)")
        connection.execute("insert into policy_kept values (1, 'x')")

    with pytest.raises(Destructive, match=told):
        migrate(postgres_dsn, f"{SCHEMA}\n{change};")

    assert [] == migrate(postgres_dsn, SCHEMA)
    assert has_table(postgres_dsn, "policy_kept")


def test_a_lock_that_somebody_holds_is_not_waited_for_long(postgres_dsn: str) -> None:
    grown = SCHEMA + "alter table litellm_teamtable add column if not exists colour text;"
    with psycopg.connect(postgres_dsn) as busy:
        busy.execute("lock table litellm_teamtable in access share mode")

        with pytest.raises(PostgresDown, match="lock timeout"):
            migrate(postgres_dsn, grown, lock_ms=50)


def test_two_migrations_take_turns(postgres_dsn: str) -> None:
    with psycopg.connect(postgres_dsn) as other:
        other.execute("select pg_advisory_xact_lock(hashtext('tollgate schema'))")

        with pytest.raises(PostgresDown, match="lock timeout"):
            migrate(postgres_dsn, SCHEMA, lock_ms=50)
