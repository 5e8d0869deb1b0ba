"""What the schema does by itself: refuse bad money, move clocks and versions, date the ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING, LiteralString
from uuid import RFC_4122

import psycopg
import pytest
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLES_WITH_POLICY = ("litellm_verificationtoken", "litellm_usertable", "litellm_teamtable")
ENTITY: dict[str, LiteralString] = {
    "litellm_verificationtoken": "insert into litellm_verificationtoken (token) values ('t')",
    "litellm_usertable": "insert into litellm_usertable (user_id) values ('u')",
    "litellm_teamtable": "insert into litellm_teamtable (team_id) values ('g')",
}
LEDGER_ROW = (
    "insert into litellm_spendlogs (id, request_id, call_type, api_key) values (%s, 'r', 'c', 'k')"
)


@pytest.fixture
def database(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        for statement in ENTITY.values():
            connection.execute(statement)
        yield connection


def assign(database: psycopg.Connection, table: str, column: str, value: object) -> None:
    """Set one column of the table's only row."""
    names = sql.Identifier(table), sql.Identifier(column)
    database.execute(sql.SQL("update {} set {} = %s").format(*names), (value,))


def read(database: psycopg.Connection, table: str, column: str) -> object:
    names = sql.Identifier(column), sql.Identifier(table)
    row = database.execute(sql.SQL("select {} from {}").format(*names)).fetchone()
    assert row is not None
    return row[0]


@pytest.mark.parametrize("value", ["-0.000000001", "NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("column", ["max_budget", "spend", "soft_budget", "budget_opening"])
@pytest.mark.parametrize("table", TABLES_WITH_POLICY)
def test_money_of_an_entity_is_finite_and_not_negative(
    database: psycopg.Connection, table: str, column: str, value: str
) -> None:
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.NumericValueOutOfRange)):
        assign(database, table, column, value)


@pytest.mark.parametrize("column", ["rpm_limit", "tpm_limit", "max_parallel_requests"])
@pytest.mark.parametrize("table", TABLES_WITH_POLICY)
def test_limits_are_not_negative(database: psycopg.Connection, table: str, column: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        assign(database, table, column, -1)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e9", "-1e9"])
def test_the_ledger_refuses_spend_that_no_request_can_have(
    database: psycopg.Connection, value: str
) -> None:
    with pytest.raises((psycopg.errors.CheckViolation, psycopg.errors.NumericValueOutOfRange)):
        database.execute(
            "insert into litellm_spendlogs (request_id, call_type, api_key, spend)"
            " values ('r', 'c', 'k', %s)",
            (value,),
        )


def test_the_ledger_takes_negative_corrections_to_the_nanodollar(
    database: psycopg.Connection,
) -> None:
    row = database.execute(
        "insert into litellm_spendlogs (request_id, call_type, api_key, spend)"
        " values ('r', 'c', 'k', -0.000000001) returning spend::text",
    ).fetchone()

    assert ("-0.000000001",) == row


@pytest.mark.parametrize("table", TABLES_WITH_POLICY)
def test_updated_at_moves_on_every_update(database: psycopg.Connection, table: str) -> None:
    before = read(database, table, "updated_at")

    assign(database, table, "spend", 1)

    assert before != read(database, table, "updated_at")


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("litellm_verificationtoken", "blocked", True),
        ("litellm_verificationtoken", "models", ["gpt-4o"]),
        ("litellm_verificationtoken", "key_alias", "alias"),
        ("litellm_usertable", "user_role", "proxy_admin"),
        ("litellm_usertable", "max_budget", 5),
        ("litellm_teamtable", "metadata", "{}"),
        ("litellm_teamtable", "model_aliases", "{}"),
    ],
)
def test_assigning_a_policy_column_takes_the_next_version(
    database: psycopg.Connection, table: str, column: str, value: object
) -> None:
    newest = database.execute("select last_value from tollgate_version").fetchone()
    assert newest is not None

    assign(database, table, column, value)

    assert newest[0] + 1 == read(database, table, "version")


@pytest.mark.parametrize("table", TABLES_WITH_POLICY)
@pytest.mark.parametrize("column", ["spend", "budget_opening"])
def test_accounting_takes_no_version(database: psycopg.Connection, table: str, column: str) -> None:
    before = read(database, table, "version"), read(database, table, "changed_at")

    assign(database, table, column, 1)

    assert before == (read(database, table, "version"), read(database, table, "changed_at"))


def test_setting_version_to_its_default_is_seen_as_a_change(database: psycopg.Connection) -> None:
    before = read(database, "litellm_usertable", "changed_at")

    database.execute("update litellm_usertable set spend = 7, version = default")

    assert before != read(database, "litellm_usertable", "changed_at")


def test_a_deleted_key_leaves_a_tombstone_newer_than_its_last_version(
    database: psycopg.Connection,
) -> None:
    version = read(database, "litellm_verificationtoken", "version")

    database.execute("delete from litellm_verificationtoken")

    row = database.execute(
        "select scope, entity_id, version > %s from policy_tombstone", (version,)
    )
    assert [("key", "t", True)] == row.fetchall()


def test_a_key_of_a_new_hash_leaves_a_tombstone_of_the_old_one(
    database: psycopg.Connection,
) -> None:
    assign(database, "litellm_verificationtoken", "token", "new")

    rows = database.execute("select scope, entity_id from policy_tombstone")
    assert [("key", "t")] == rows.fetchall()


def test_a_team_that_has_keys_cannot_be_deleted(database: psycopg.Connection) -> None:
    assign(database, "litellm_verificationtoken", "team_id", "g")

    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        database.execute("delete from litellm_teamtable")


def test_two_keys_cannot_share_an_alias_but_many_may_have_none(
    database: psycopg.Connection,
) -> None:
    database.execute("insert into litellm_verificationtoken (token) values ('without'), ('too')")

    database.execute("update litellm_verificationtoken set key_alias = 'a' where token = 'too'")

    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute("update litellm_verificationtoken set key_alias = 'a' where token = 't'")


def test_made_ids_are_uuids_of_version_7_and_variant_rfc_4122(database: psycopg.Connection) -> None:
    rows = database.execute("select tollgate_uuid7() from generate_series(1, 64)").fetchall()

    assert {(7, RFC_4122)} == {(made.version, made.variant) for (made,) in rows}


def test_an_id_tells_its_millisecond(database: psycopg.Connection) -> None:
    rows = database.execute(
        """
        select count(*) filter (where tollgate_time_of(tollgate_uuid7(moment)) = moment)
        from generate_series(timestamptz '2024-02-29T23:59:59.990Z', '2024-03-01T00:00:00.010Z',
                             '1 millisecond') moment
        """,
    )

    assert [(21,)] == rows.fetchall()


def test_a_ledger_row_without_a_start_begins_at_its_ids_millisecond(
    database: psycopg.Connection,
) -> None:
    row = database.execute(
        "insert into litellm_spendlogs (id, request_id, call_type, api_key)"
        " values (tollgate_uuid7('2026-11-24T05:06:07.089Z'), 'r', 'c', 'k')"
        " returning start_time = '2026-11-24T05:06:07.089Z'",
    ).fetchone()

    assert (True,) == row


def test_a_ledger_row_lies_in_the_partition_of_its_month(database: psycopg.Connection) -> None:
    row = database.execute(
        "insert into litellm_spendlogs (request_id, call_type, api_key) values ('r', 'c', 'k')"
        " returning tableoid::regclass::text,"
        " 'litellm_spendlogs_' || to_char(start_time at time zone 'UTC', 'YYYY_MM')",
    ).fetchone()

    assert row is not None
    assert row[0] == row[1]


def test_an_id_is_booked_once_whatever_its_month(database: psycopg.Connection) -> None:
    made = database.execute("select tollgate_uuid7(now() + interval '9 years')").fetchone()
    database.execute(LEDGER_ROW, made)

    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute(LEDGER_ROW, made)


def test_rows_that_waited_in_the_default_partition_move_to_their_months(
    database: psycopg.Connection,
) -> None:
    late = "2030-01-01T00:00:00Z"
    made = database.execute("select tollgate_uuid7(%s)", (late,)).fetchone()
    database.execute(LEDGER_ROW, made)

    database.execute("select tollgate_add_partitions(0, %s)", (late,))

    rows = database.execute("select id, tableoid::regclass::text from litellm_spendlogs")
    assert [(*(made or ()), "litellm_spendlogs_2030_01")] == rows.fetchall()


def test_an_unknown_day_and_key_is_one_row_of_a_rollup_though_nobody_owns_it(
    database: psycopg.Connection,
) -> None:
    row = "insert into litellm_dailyuserspend (date, api_key) values ('2026-11-24', 'k')"
    database.execute(row)

    with pytest.raises(psycopg.errors.UniqueViolation):
        database.execute(row)
