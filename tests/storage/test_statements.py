"""Every named statement is valid against schema.sql: Postgres itself checks it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.storage.statements import FOLDER, load

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECTS = sorted(path.stem for path in FOLDER.glob("*.sql"))
STATEMENTS = [(subject, name) for subject in SUBJECTS for name in load(subject)]


@pytest.fixture
def database(postgres_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres_dsn) as connection:
        yield connection


def test_every_statement_is_valid_against_the_schema(database: psycopg.Connection) -> None:
    refused: dict[tuple[str, str], str] = {}

    for subject, name in STATEMENTS:
        text = f"prepare s as {numbered(load(subject)[name])}"
        try:
            with database.transaction(force_rollback=True):
                database.execute(text.encode())
                database.execute("deallocate s")
        except psycopg.Error as error:
            refused[subject, name] = str(error)

    assert {} == refused


@pytest.mark.parametrize(("subject", "name"), STATEMENTS)
def test_every_statement_opens_with_a_line_of_prose(subject: str, name: str) -> None:
    assert re.match(r"-- [A-Z].*\.\n", load(subject)[name])


@pytest.mark.parametrize("subject", SUBJECTS)
def test_names_of_statements_are_unique_in_their_file(subject: str) -> None:
    names = re.findall(r"^-- name: (\w+)$", (FOLDER / f"{subject}.sql").read_text(), re.MULTILINE)

    assert len(names) == len(load(subject))


def numbered(statement: str) -> str:
    """Write `%(name)s` as Postgres's own `$n`."""
    numbers: dict[str, str] = {}
    text = re.sub(
        r"%\((\w+)\)s", lambda m: numbers.setdefault(m[1], f"${len(numbers) + 1}"), statement
    )
    return text.replace("%%", "%")
