"""schema.sql gives the tables their columns, types, defaults and indexes, and applies twice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = Path(__file__).parents[2] / "schema.sql"

MONEY = "numeric(38,9)"
MOMENT = "timestamp with time zone"
NEW_ID = "gen_random_uuid()"
NO_NAMES = "'{}'::text[]"
NO_FIELDS = "'{}'::jsonb"

# table → column → (type, is nullable, default): what every tool made for these tables relies on.
COLUMNS: dict[str, dict[str, tuple[str, bool, str | None]]] = {
    "litellm_verificationtoken": {
        "id": ("uuid", False, NEW_ID),
        "token": ("text", False, None),
        "key_name": ("text", True, None),
        "user_id": ("text", True, None),
        "team_id": ("text", True, None),
        "models": ("text[]", False, NO_NAMES),
        "max_budget": (MONEY, True, None),
        "spend": (MONEY, False, "0"),
        "budget_duration": ("text", True, None),
        "budget_reset_at": (MOMENT, True, None),
        "rpm_limit": ("bigint", True, None),
        "tpm_limit": ("bigint", True, None),
        "max_parallel_requests": ("integer", True, None),
        "expires": (MOMENT, True, None),
        "permissions": ("jsonb", True, NO_FIELDS),
        "metadata": ("jsonb", True, NO_FIELDS),
        "created_at": (MOMENT, False, "now()"),
        "updated_at": (MOMENT, False, "now()"),
    },
    "litellm_usertable": {
        "user_id": ("text", False, None),
        "user_email": ("text", True, None),
        "user_role": ("text", False, "'internal_user'::text"),
        "max_budget": (MONEY, True, None),
        "spend": (MONEY, False, "0"),
        "budget_duration": ("text", True, None),
        "budget_reset_at": (MOMENT, True, None),
        "models": ("text[]", False, NO_NAMES),
        "tpm_limit": ("bigint", True, None),
        "rpm_limit": ("bigint", True, None),
        "team_id": ("text", True, None),
        "metadata": ("jsonb", True, NO_FIELDS),
        "created_at": (MOMENT, False, "now()"),
        "updated_at": (MOMENT, False, "now()"),
    },
    "litellm_teamtable": {
        "team_id": ("text", False, "(gen_random_uuid())::text"),
        "team_alias": ("text", True, None),
        "organization_id": ("text", True, None),
        "max_budget": (MONEY, True, None),
        "spend": (MONEY, False, "0"),
        "budget_duration": ("text", True, None),
        "budget_reset_at": (MOMENT, True, None),
        "model_max_budget": ("jsonb", True, NO_FIELDS),
        "tpm_limit": ("bigint", True, None),
        "rpm_limit": ("bigint", True, None),
        "models": ("text[]", False, NO_NAMES),
        "blocked": ("boolean", False, "false"),
        "metadata": ("jsonb", True, NO_FIELDS),
        "created_at": (MOMENT, False, "now()"),
        "updated_at": (MOMENT, False, "now()"),
    },
    "litellm_spendlogs": {
        "id": ("uuid", False, "tollgate_uuid7()"),
        "request_id": ("text", False, None),
        "call_type": ("text", False, None),
        "api_key": ("text", False, None),
        "spend": (MONEY, False, "0"),
        "total_tokens": ("integer", False, "0"),
        "prompt_tokens": ("integer", False, "0"),
        "completion_tokens": ("integer", False, "0"),
        "start_time": (MOMENT, False, None),
        "end_time": (MOMENT, False, "clock_timestamp()"),
        "model": ("text", False, "''::text"),
        "api_base": ("text", True, None),
        "user": ("text", True, None),
        "team_id": ("text", True, None),
        "end_user": ("text", True, None),
        "metadata": ("jsonb", True, NO_FIELDS),
        "cache_hit": ("boolean", False, "false"),
        "cache_key": ("text", True, None),
        "request_tags": ("text[]", False, NO_NAMES),
    },
    "litellm_config": {
        "id": ("uuid", False, NEW_ID),
        "config_name": ("text", False, None),
        "config_value": ("jsonb", False, None),
        "updated_at": (MOMENT, False, "now()"),
        "updated_by": ("text", True, None),
    },
}

# table → the column lists (or expressions) that must be found by an index; * marks a unique one.
INDEXES = {
    "litellm_verificationtoken": {"*id", "*token", "user_id", "team_id", "expires", "*key_alias"},
    "litellm_usertable": {"*user_id", "*user_email", "team_id"},
    "litellm_teamtable": {"*team_id", "organization_id"},
    "litellm_spendlogs": {
        "*id",
        "start_time",
        "api_key, start_time",
        "team_id",
        '"user"',
        "model",
        "request_tags",
    },
    "litellm_config": {"*id", "*config_name"},
}

ROLLUPS = {
    "litellm_dailyuserspend": "user_id",
    "litellm_dailyteamspend": "team_id",
    "litellm_dailyorganizationspend": "organization_id",
    "litellm_dailyenduserspend": "end_user_id",
    "litellm_dailytagspend": "tag",
}

BESIDE = {
    "ledger_kept",
    "ledger_position",
    "litellm_auditlog",
    "litellm_budgetalert",
    "litellm_budgettable",
    "litellm_credentialstable",
    "litellm_deletedverificationtoken",
    "litellm_endusertable",
    "litellm_organizationmembership",
    "litellm_organizationtable",
    "litellm_parkedspendlogs",
    "litellm_proxymodeltable",
    "litellm_spendlogs_default",
    "litellm_tagtable",
    "litellm_teammembership",
    "policy",
    "policy_tombstone",
    *ROLLUPS,
}


@pytest.fixture
def database(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize("table", COLUMNS)
def test_table_has_its_columns_with_their_types_and_defaults(
    database: psycopg.Connection, table: str
) -> None:
    rows = database.execute(
        """
        select a.attname, format_type(a.atttypid, a.atttypmod), not a.attnotnull,
               pg_get_expr(d.adbin, d.adrelid)
        from pg_attribute a
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
        where a.attrelid = %s::regclass and a.attnum > 0 and not a.attisdropped
        """,
        (table,),
    )

    found = {name: tuple(rest) for name, *rest in rows}

    assert {**found, **COLUMNS[table]} == found


@pytest.mark.parametrize("table", COLUMNS)
def test_what_a_table_has_beside_its_columns_is_optional(
    database: psycopg.Connection, table: str
) -> None:
    rows = database.execute(
        """
        select attname from pg_attribute
        where attrelid = %s::regclass and attnum > 0 and not attisdropped
          and attnotnull and not atthasdef
        """,
        (table,),
    )

    required = {name for (name,) in rows}

    assert set(COLUMNS[table]) >= required


@pytest.mark.parametrize("table", INDEXES)
def test_table_has_its_indexes(database: psycopg.Connection, table: str) -> None:
    rows = database.execute(
        """
        select case when i.indisunique then '*' else '' end
            || (select string_agg(pg_get_indexdef(i.indexrelid, n, true), ', ' order by n)
                from generate_series(1, i.indnkeyatts) n)
        from pg_index i where i.indrelid = %s::regclass
        """,
        (table,),
    )

    found = {columns for (columns,) in rows}

    assert found >= INDEXES[table]


def test_tags_of_the_ledger_are_indexed_by_gin(database: psycopg.Connection) -> None:
    rows = database.execute(
        "select indexdef from pg_indexes"
        " where tablename = 'litellm_spendlogs' and indexdef like %s",
        ("%USING gin (request_tags)%",),
    )

    assert 1 == len(rows.fetchall())


@pytest.mark.parametrize("table", sorted(BESIDE))
def test_table_beside_them_exists(database: psycopg.Connection, table: str) -> None:
    row = database.execute("select to_regclass(%s)::text", (table,)).fetchone()

    assert (table,) == row


@pytest.mark.parametrize(("table", "entity"), ROLLUPS.items())
def test_rollup_has_one_row_per_entity_day_key_model_and_provider(
    database: psycopg.Connection, table: str, entity: str
) -> None:
    row = database.execute(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = %s", (f"{table}_key",)
    ).fetchone()

    columns = f"{entity}, date, api_key, model, model_group, custom_llm_provider"
    assert (f"UNIQUE NULLS NOT DISTINCT ({columns})",) == row


def test_foreign_keys_lead_from_keys_and_users_to_users_and_teams(
    database: psycopg.Connection,
) -> None:
    rows = database.execute(
        """
        select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
        where contype = 'f' and confrelid in ('litellm_usertable'::regclass,
                                              'litellm_teamtable'::regclass)
        """,
    )

    found = {(table, definition.partition(" ON ")[0]) for table, definition in rows}

    keys = "litellm_verificationtoken"
    expected = {
        (keys, "FOREIGN KEY (user_id) REFERENCES litellm_usertable(user_id)"),
        (keys, "FOREIGN KEY (team_id) REFERENCES litellm_teamtable(team_id)"),
        ("litellm_usertable", "FOREIGN KEY (team_id) REFERENCES litellm_teamtable(team_id)"),
    }
    assert expected == found


def test_ledger_has_a_partition_for_this_month_and_the_next_three(
    database: psycopg.Connection,
) -> None:
    rows = database.execute(
        """
        select inhrelid::regclass::text from pg_inherits
        where inhparent = 'litellm_spendlogs'::regclass
        """,
    )
    months = database.execute(
        """
        select 'litellm_spendlogs_' || to_char(month, 'YYYY_MM')
        from generate_series(date_trunc('month', now() at time zone 'UTC'),
                             date_trunc('month', now() at time zone 'UTC') + interval '3 months',
                             '1 month') month
        """,
    )

    assert {*months, ("litellm_spendlogs_default",)} == set(rows)


def test_schema_needs_no_extension(database: psycopg.Connection) -> None:
    rows = database.execute("select extname from pg_extension")

    assert [("plpgsql",)] == rows.fetchall()


def test_applying_the_schema_again_changes_nothing(database: psycopg.Connection) -> None:
    before = catalog(database)

    database.execute(SCHEMA.read_bytes())

    assert before == catalog(database)


def test_applying_the_schema_again_keeps_every_row(database: psycopg.Connection) -> None:
    database.execute("insert into litellm_teamtable (team_id, spend) values ('t', 3)")
    database.execute("insert into ledger_position (shard, stream_id) values (0, '7-1')")

    database.execute(SCHEMA.read_bytes())

    rows = database.execute(
        "select team_id, spend, stream_id from litellm_teamtable, ledger_position"
    )
    assert [("t", 3, "7-1")] == rows.fetchall()


def catalog(database: psycopg.Connection) -> dict[str, set[tuple[object, ...]]]:
    """Return all that the schema consists of, down to the numbers of its objects."""
    return {name: set(database.execute(query)) for name, query in CATALOG.items()}


CATALOG: dict[str, LiteralString] = {
    "relations": """
        select oid, relname, relkind, relnatts, relchecks, reloptions::text, relfilenode,
               pg_get_expr(relpartbound, oid)
        from pg_class where relnamespace = 'public'::regnamespace
        """,
    "columns": """
        select attrelid, attnum, attname, format_type(atttypid, atttypmod), attnotnull,
               attisdropped, pg_get_expr(adbin, adrelid)
        from pg_attribute
        join pg_class on pg_class.oid = attrelid and relnamespace = 'public'::regnamespace
        left join pg_attrdef on adrelid = attrelid and adnum = attnum
        """,
    "constraints": """
        select oid, conrelid, conname, pg_get_constraintdef(oid) from pg_constraint
        where connamespace = 'public'::regnamespace
        """,
    "indexes": "select indexname, indexdef from pg_indexes where schemaname = 'public'",
    "functions": """
        select oid, proname, pg_get_functiondef(oid) from pg_proc
        where pronamespace = 'public'::regnamespace
        """,
    "views": "select viewname, definition from pg_views where schemaname = 'public'",
    "triggers": "select oid, tgrelid, tgname, pg_get_triggerdef(oid) from pg_trigger",
    "sequences": "select seqrelid, seqstart, seqincrement, seqmax, seqcycle from pg_sequence",
    "sequence": "select last_value, is_called from tollgate_version",
}
