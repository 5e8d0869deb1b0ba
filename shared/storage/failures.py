"""How a statement can fail, told without psycopg, which is imported late."""

from __future__ import annotations

from shared.errors import PostgresDown


class ConnectionLost(PostgresDown):
    """The connection died under a statement that may or may not have run."""


class PostgresSilent(PostgresDown):
    """Postgres said nothing to a new connection for as long as we were willing to wait."""


class StatementFailed(Exception):  # noqa: N818 - reads as a sentence
    """Postgres refused a statement for what it says: a value it cannot hold, a constraint."""

    def __init__(self, sqlstate: str, constraint: str | None = None) -> None:
        """Keep the SQLSTATE and the constraint's name; the driver's words may quote a secret."""
        super().__init__(f"SQLSTATE {sqlstate}" + (f" by {constraint}" if constraint else ""))
        self.sqlstate = sqlstate
        self.constraint = constraint
