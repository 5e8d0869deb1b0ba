"""Named SQL statements: every one lives in sql/SUBJECT.sql and is loaded once.

A file is a sequence of

    -- name: find_key
    -- One line of prose.
    select … where token = %(key_hash)s;

Parameters are psycopg's `%(name)s`; a per cent sign that is none is written `%%`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, LiteralString, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER = Path(__file__).parent / "sql"

_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def load(subject: str) -> Mapping[str, LiteralString]:
    """Return the statements of sql/SUBJECT.sql by name."""
    _, *parts = _NAME.split((FOLDER / f"{subject}.sql").read_text())
    return MappingProxyType(
        {
            # The files ship with the code, so they are as trusted as a literal in it.
            name: cast("LiteralString", text.strip().removesuffix(";"))
            for name, text in zip(parts[::2], parts[1::2], strict=True)
        }
    )
