"""How the columns that admins set become parameters of a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from shared.wire.admin_policies import PolicyColumns


def parameters(columns: PolicyColumns) -> dict[str, object]:
    """Return the columns by name; JSON documents as text, which Postgres parses by the column."""
    return {
        name: orjson.dumps(value).decode() if isinstance(value, dict) else value
        for name, value in columns.model_dump().items()
    }
