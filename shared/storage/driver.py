"""psycopg, bounded: one connection, how long it may take, what its failures mean.

Imported when the first connection is made, never at cold start: psycopg costs 120 ms.
"""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from shared.errors import PostgresDown
from shared.storage.failures import ConnectionLost, PostgresSilent, StatementFailed

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

Row = dict[str, object]

STATEMENT_SECONDS: Final = 2
GRACE_SECONDS: Final = 0.5

# Whatever the database's URL says comes first: RDS Proxy and PgBouncer refuse `options`, so their
# URLs end in `?options=`.
_DEFAULTS: Final[Mapping[str, str | int]] = {
    "application_name": "tollgate",
    "gssencmode": "disable",
    "options": f"-c statement_timeout={STATEMENT_SECONDS}s",
}

_LIMIT_OF_AN_INDEX: Final = "54"
_NOT_TEXT: Final = "22021"
# The server goes down, was restarted or ended an idle session; or it is now a read-only standby.
_SESSION_IS_OVER: Final = frozenset({"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25006"})


@dataclass(frozen=True, slots=True)
class Answer:
    """The rows a statement returned, and how many it touched."""

    rows: list[Row]
    count: int


class Connection:
    """One session of Postgres in autocommit mode."""

    def __init__(self, raw: psycopg.AsyncConnection[dict[str, Any]]) -> None:
        # Any is psycopg's own word for the values of a row.
        self._raw = raw

    @classmethod
    async def open(cls, url: str, seconds: int) -> Connection:
        """Connect; raise PostgresDown when that is not possible in so many seconds."""
        if not url:
            raise PostgresDown("No database is configured: set DATABASE_URL.")
        try:
            async with asyncio.timeout(seconds + GRACE_SECONDS):
                return cls(await _connect(url, seconds))
        except (psycopg.errors.ConnectionTimeout, TimeoutError) as error:
            raise PostgresSilent("Postgres cannot be reached.") from error
        except (psycopg.Error, OSError) as error:
            # At the connection limit psycopg knows no SQLSTATE: nothing to tell apart here.
            raise PostgresDown("Postgres cannot be reached.") from error

    @property
    def is_closed(self) -> bool:
        """Whether it is of no more use."""
        return self._raw.closed

    @property
    def is_idle(self) -> bool:
        """Whether it lives and is in no transaction."""
        return self._raw.info.transaction_status is TransactionStatus.IDLE

    @property
    def has_failed(self) -> bool:
        """Whether it is in a transaction that only a rollback can end."""
        return self._raw.info.transaction_status is TransactionStatus.INERROR

    async def close(self) -> None:
        """End the session."""
        await self._raw.close()

    async def answer(
        self,
        statement: LiteralString,
        params: Mapping[str, object],
        seconds: float = STATEMENT_SECONDS,
    ) -> Answer:
        """Run one statement; raise ConnectionLost, PostgresDown or StatementFailed.

        The server cancels what takes longer than `seconds`; we stop waiting soon after.
        """
        with self._translated():
            # An interrupted psycopg asks the server to cancel and waits for it, in vain when the
            # server is dead; a second interruption closes the connection.
            async with (
                asyncio.timeout(seconds + 2 * GRACE_SECONDS),
                asyncio.timeout(seconds + GRACE_SECONDS),
            ):
                cursor = await self._raw.execute(statement, params)
                rows = await cursor.fetchall() if cursor.description else []
                return Answer(rows, cursor.rowcount)

    @contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except TimeoutError as error:
            self._raw.pgconn.finish()
            raise PostgresDown("Postgres did not answer in time.") from error
        except UnicodeEncodeError as error:
            # A lone surrogate is text in no encoding.
            raise StatementFailed(_NOT_TEXT) from error
        except psycopg.Error as error:
            raise self._meaning(error) from error

    def _meaning(self, error: psycopg.Error) -> PostgresDown | StatementFailed:
        state = error.sqlstate or ""
        if self.is_closed or state in _SESSION_IS_OVER:
            self._raw.pgconn.finish()
            return ConnectionLost("Postgres closed the connection.")
        is_refused = state[:2] == _LIMIT_OF_AN_INDEX
        if isinstance(error, psycopg.OperationalError) and not is_refused:
            return PostgresDown("Postgres could not do this in time.")
        # psycopg itself refuses NUL in text, and gives no SQLSTATE.
        return StatementFailed(state or _NOT_TEXT, error.diag.constraint_name)


async def _connect(url: str, seconds: int) -> psycopg.AsyncConnection[dict[str, Any]]:
    patience = {"connect_timeout": seconds, "tcp_user_timeout": seconds * 1000}
    return await psycopg.AsyncConnection[dict[str, Any]].connect(
        make_conninfo("", **{**_DEFAULTS, **patience, **conninfo_to_dict(url)}),
        autocommit=True,
        row_factory=dict_row,
        # A pooler in transaction mode gives every statement another session.
        prepare_threshold=None,
    )
