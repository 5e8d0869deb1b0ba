"""How the columns that admins set become parameters of a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from pydantic import BaseModel

_DOCUMENTS = frozenset({"budget_limits"})
"""Lists that lie in a column of JSON, not in an array."""


def parameters(columns: BaseModel) -> dict[str, object]:
    """Return the columns by name; JSON documents as text, which Postgres parses by the column."""
    values: dict[str, object] = columns.model_dump()
    return {name: _parameter(name, value) for name, value in values.items()}


def _parameter(name: str, value: object) -> object:
    if value is None or not (name in _DOCUMENTS or isinstance(value, dict)):
        return value
    document: object = value  # pyright: ignore[reportUnknownVariableType] - any JSON
    return orjson.dumps(document).decode()
