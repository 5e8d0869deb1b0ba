"""The rules of CONTRIBUTING.md that a reader of one file can check: each yields its complaints."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import PurePath

MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}

_SQL_HEAD = re.compile(r"-- name: [a-z]\w*\n-- .*[.:]\n(?!-- name:)")
_LUA_CONTRACT = ("-- KEYS: ", "-- ARGV: ", "-- returns", "-- expires: ")
_CODE_BEGINS = re.compile(r"^(?!--|$)", re.MULTILINE)


def python_complaints(path: PurePath, text: str) -> Iterator[str]:
    """Check a module's name and sizes, and that a package's `__init__` is a name-plate."""
    for part in (*path.parent.parts, path.stem):
        if part in EMPTY_NAMES:
            yield f"{path}: {part!r} answers no question; name it for what is inside"
    if (lines := text.count("\n")) > MAX_MODULE_LINES:
        yield f"{path}: {lines} lines; split it, a module has at most {MAX_MODULE_LINES}"
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                yield f"{path}: {node.name} has {lines} lines; at most {MAX_FUNCTION_LINES}"
    if path.name == "__init__.py" and not (len(tree.body) == 1 and ast.get_docstring(tree)):
        yield f"{path}: a package's __init__ is one docstring; move code into a module"


def sql_complaints(path: PurePath, text: str) -> Iterator[str]:
    """Check that each statement has a name and a line of prose, and says its columns."""
    statements = [part for part in re.split(r"(?=^-- name:)", text, flags=re.MULTILINE) if part]
    for statement in statements:
        first = statement.splitlines()[0]
        if not _SQL_HEAD.match(statement):
            yield f"{path}: {first!r}: begin with `-- name: …`, then one line of prose"
        sql = re.sub(r"--.*", "", statement)
        if re.search(r"\b(select|returning)\s+(\w+\.)?\*", sql):
            yield f"{path}: {first!r}: name the columns instead of *"
        if ";" in sql.strip().removesuffix(";"):
            yield f"{path}: {first!r}: one statement under one name"
    names = re.findall(r"^-- name: (\w+)", text, flags=re.MULTILINE)
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"{path}: {name} is there twice; the later would hide the first"


def lua_complaints(path: PurePath, text: str) -> Iterator[str]:
    """Check that a script opens with its contract, in order."""
    code = _CODE_BEGINS.search(text)
    opening = text[: code.start()] if code else text
    places = [opening.find(f"\n{word}") for word in _LUA_CONTRACT]
    for word, place in zip(_LUA_CONTRACT, places, strict=True):
        if place < 0:
            yield f"{path}: say {word[3:].strip(': ')} before the first line of code"
    if places != sorted(places):
        yield f"{path}: the contract's order is KEYS, ARGV, returns, expires"
    if not text.startswith("-- "):
        yield f"{path}: begin with a sentence that says what the script is for"
