"""Apply schema.sql: at every start where Postgres is of one's own, as a migration where it is not.

A migration only adds. What it did is read from Postgres's own catalogue before it is committed, so
it is refused whatever its words were: if a table or column went, a type changed, a table was
rewritten, rows were deleted, or a column came that the code before it would have to fill.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import psycopg

from shared.errors import PostgresDown
from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import Mapping

CONNECT_SECONDS: Final = 10
LOCK_MS: Final = 3_000  # calls wait behind a lock that waits
STATEMENT_MS: Final = 120_000

SQL: Final = load("catalogue")


class Destructive(Exception):  # noqa: N818 - reads as a sentence
    """A migration would take something away; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalogue tells it; `file` is where its table lies."""

    type: str
    is_required: bool
    file: str


Catalogue = dict[tuple[str, str], Column]


def apply_schema(database_url: str, schema: str) -> None:
    """Run the whole file in one transaction; PostgresDown when that did not work, and why."""
    try:
        with psycopg.connect(database_url, connect_timeout=CONNECT_SECONDS) as connection:
            connection.execute(schema.encode())
    except psycopg.Error as error:
        raise PostgresDown(f"The schema was not applied: {error}") from error


def migrate(
    database_url: str, schema: str, *, is_dry_run: bool = False, lock_ms: int = LOCK_MS
) -> list[str]:
    """Run the whole file in one transaction and return what it added, a line each.

    Raise Destructive when it took something away, PostgresDown when Postgres refused or a lock
    was not to be had in time; in both cases, and in a dry run, nothing stays of it.
    """
    bounds = {"lock_ms": lock_ms, "statement_ms": STATEMENT_MS}
    try:
        with (
            psycopg.connect(
                database_url, connect_timeout=CONNECT_SECONDS, prepare_threshold=None
            ) as connection,
            connection.transaction(force_rollback=is_dry_run),
        ):
            connection.execute(SQL["guard_migration"], bounds)
            before = _catalogue(connection)
            connection.execute(schema.encode())
            after = _catalogue(connection)
            if losses := [*_losses(before, after), *_deletions(connection)]:
                raise Destructive("; ".join(losses))
            return _additions(before, after)
    except psycopg.Error as error:
        raise PostgresDown(f"The schema was not applied: {error}") from error


def _catalogue(connection: psycopg.Connection) -> Catalogue:
    return {
        (table, column): Column(kind, is_required, file)
        for table, column, kind, is_required, file in connection.execute(SQL["catalogue"])
    }


def _additions(before: Catalogue, after: Catalogue) -> list[str]:
    old_tables = {table for table, _ in before}
    new_tables = dict.fromkeys(table for table, _ in after if table not in old_tables)
    return [
        *(f"table {table}" for table in new_tables),
        *(
            f"column {table}.{column} {about.type}"
            for (table, column), about in after.items()
            if table in old_tables and (table, column) not in before
        ),
    ]


def _losses(before: Catalogue, after: Catalogue) -> list[str]:
    tables = {table for table, _ in after}
    lost = dict.fromkeys(f"table {table} is gone" for table, _ in before if table not in tables)
    for (table, column), was in before.items():
        now = after.get((table, column))
        if table not in tables:
            continue
        if now is None:
            lost[f"column {table}.{column} is gone"] = None
        elif now.type != was.type:
            lost[f"column {table}.{column} was {was.type} and became {now.type}"] = None
        elif now.file != was.file:
            lost[f"table {table} was emptied or rewritten"] = None
        elif now.is_required and not was.is_required:
            lost[f"column {table}.{column} must have a value now"] = None
    return [*lost, *_demands(before, after)]


def _demands(before: Mapping[tuple[str, str], Column], after: Catalogue) -> list[str]:
    old_tables = {table for table, _ in before}
    return [
        f"the new column {table}.{column} has no default, and the code before it gives no value"
        for (table, column), about in after.items()
        if table in old_tables and (table, column) not in before and about.is_required
    ]


def _deletions(connection: psycopg.Connection) -> list[str]:
    row = connection.execute(SQL["deleted_rows"]).fetchone()
    return [f"{row[0]} rows were deleted"] if row and row[0] else []
