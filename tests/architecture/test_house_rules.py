"""Names, sizes and openings of files: the rules hold, and each finds a file that breaks it."""

from __future__ import annotations

import re
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pytest

from tests.architecture.house_rules import lua_complaints, python_complaints, sql_complaints

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)
ROOMS = ("shared", "functions", "local")
BESIDE = ("bench", "infra", "tests")  # whose SQL is a test's own, or a former version's
A_STATEMENT = "-- name: find_key\n-- The key behind a hash.\nselect token\nfrom keys;\n"
A_SCRIPT = """\
-- Count something.
-- KEYS: counter
-- ARGV: life in ms
-- returns: 1
-- expires: after its life
return 1
"""


def files(ending: str, rooms: tuple[str, ...] = ROOMS) -> list[tuple[PurePath, str]]:
    """Every file of the rooms, with its path from the root."""
    paths = sorted(path for room in rooms for path in (ROOT / room).rglob(f"*{ending}"))
    return [(path.relative_to(ROOT), path.read_text()) for path in paths]


def test_modules_are_small_and_named_for_what_is_inside() -> None:
    modules = files(".py", ROOMS + BESIDE)

    complaints = [c for path, text in modules for c in python_complaints(path, text)]

    assert modules
    assert [] == complaints


def test_statements_are_named_and_explained() -> None:
    statements = files(".sql")

    complaints = [c for path, text in statements for c in sql_complaints(path, text)]

    assert statements
    assert [] == complaints


def test_scripts_open_with_their_contract() -> None:
    scripts = files(".lua")
    included = {name for _, text in scripts for name in INCLUDE.findall(text)}
    entrances = [(path, text) for path, text in scripts if path.stem not in included]

    complaints = [c for path, text in entrances for c in lua_complaints(path, text)]

    assert entrances
    assert [] == complaints


def a_function_of(lines: int) -> str:
    return "def f() -> None:\n" + "    pass\n" * (lines - 1)


@pytest.mark.parametrize(
    ("check", "path", "text", "complaint"),
    [
        (python_complaints, "shared/utils.py", '"""."""\n', "'utils' answers no question"),
        (python_complaints, "shared/common/x.py", '"""."""\n', "'common' answers no question"),
        (python_complaints, "shared/x.py", "pass\n" * 401, "401 lines"),
        (python_complaints, "shared/x.py", a_function_of(51), "f has 51 lines"),
        (python_complaints, "shared/x.py", f"async {a_function_of(51)}", "f has 51 lines"),
        (python_complaints, "shared/x/__init__.py", "", "is one docstring"),
        (python_complaints, "shared/x/__init__.py", '"""."""\nimport json\n', "is one docstring"),
        (sql_complaints, "x.sql", A_STATEMENT.replace("-- The key behind a hash.\n", ""), "prose"),
        (sql_complaints, "x.sql", "select token from keys;\n", "begin with"),
        (sql_complaints, "x.sql", A_STATEMENT.replace("token", "*"), "name the columns"),
        (sql_complaints, "x.sql", A_STATEMENT.replace("token", "k.*"), "name the columns"),
        (sql_complaints, "x.sql", f"{A_STATEMENT}select 1;\n", "one statement"),
        (sql_complaints, "x.sql", f"{A_STATEMENT}\n{A_STATEMENT}", "find_key is there twice"),
        (lua_complaints, "x.lua", A_SCRIPT.replace("-- Count something.\n", "\n"), "a sentence"),
        (lua_complaints, "x.lua", A_SCRIPT.replace("-- KEYS: counter\n", ""), "say KEYS"),
        (lua_complaints, "x.lua", A_SCRIPT.replace("-- ARGV: life in ms\n", ""), "say ARGV"),
        (lua_complaints, "x.lua", A_SCRIPT.replace("-- returns: 1\n", ""), "say returns"),
        (lua_complaints, "x.lua", A_SCRIPT.replace("-- KEYS", "local x = 1\n-- KEYS"), "say KEYS"),
        (lua_complaints, "x.lua", A_SCRIPT.replace("-- expires: after its life\n", ""), "expires"),
    ],
)
def test_a_file_that_breaks_a_rule_is_told_which(
    check: Callable[[PurePath, str], Iterator[str]], path: str, text: str, complaint: str
) -> None:
    complaints = list(check(PurePath(path), text))

    assert any(complaint in found for found in complaints), complaints


@pytest.mark.parametrize(
    ("check", "path", "text"),
    [
        (python_complaints, "shared/x.py", "pass\n" * 350 + a_function_of(50)),
        (python_complaints, "shared/x/__init__.py", '"""What, and where to start."""\n'),
        (sql_complaints, "x.sql", A_STATEMENT),
        (lua_complaints, "x.lua", A_SCRIPT),
    ],
)
def test_a_file_at_the_limit_is_left_alone(
    check: Callable[[PurePath, str], Iterator[str]], path: str, text: str
) -> None:
    assert [] == list(check(PurePath(path), text))
