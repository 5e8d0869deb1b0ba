"""Apply schema.sql; where Postgres is of one's own, at every start."""

from __future__ import annotations

import psycopg

from shared.errors import PostgresDown

CONNECT_SECONDS = 10


def apply_schema(database_url: str, schema: str) -> None:
    """Run the whole file in one transaction; PostgresDown when that did not work, and why."""
    try:
        with psycopg.connect(database_url, connect_timeout=CONNECT_SECONDS) as connection:
            connection.execute(schema.encode())
    except psycopg.Error as error:
        raise PostgresDown(f"The schema was not applied: {error}") from error
