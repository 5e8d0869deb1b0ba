"""The code before runs on the schema after it, so that migrating needs no silence.

`former/` holds schema.sql and the statements as they were before the last changes of the schema;
a release replaces them by its own.
"""

from __future__ import annotations

import re
from pathlib import Path

import psycopg
import pytest

from shared.storage.schema import migrate
from tests.storage.test_statements import numbered

FORMER = Path(__file__).parent / "former"
SCHEMA = (Path(__file__).parents[2] / "schema.sql").read_text()
NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@pytest.fixture
def former(postgres_dsn: str) -> str:
    """A database that the former schema was applied to."""
    with psycopg.connect(postgres_dsn, autocommit=True) as connection:
        connection.execute("drop schema public cascade")
        connection.execute("create schema public")
        connection.execute((FORMER / "schema.sql").read_bytes())
    return postgres_dsn


def refused(dsn: str, folder: Path) -> dict[str, str]:
    """Which statements of a folder Postgres does not take against this database."""
    found: dict[str, str] = {}
    with psycopg.connect(dsn) as connection:
        for path in sorted(folder.glob("*.sql")):
            _, *parts = NAME.split(path.read_text())
            for name, text in zip(parts[::2], parts[1::2], strict=True):
                statement = f"prepare s as {numbered(text.strip().removesuffix(';'))}"
                try:
                    with connection.transaction(force_rollback=True):
                        connection.execute(statement.encode())
                        connection.execute("deallocate s")
                except psycopg.Error as error:
                    found[f"{path.stem}.{name}"] = str(error)
    return found


def test_the_former_code_runs_on_both_schemas(former: str) -> None:
    before = refused(former, FORMER / "sql")

    migrate(former, SCHEMA)

    assert ({}, {}) == (before, refused(former, FORMER / "sql"))
