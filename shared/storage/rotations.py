"""The keys that are given another secret from time to time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from shared.domain import KeyHash
from shared.storage.columns import millis
from shared.storage.statements import load

if TYPE_CHECKING:
    from datetime import datetime

    from shared.domain import Millis
    from shared.storage.postgres import Runs

_SQL: Final = load("rotations")


@dataclass(frozen=True, slots=True)
class RotatingKey:
    """A key, how often its secret changes, and when it last did; its `id` never changes."""

    id: str
    token: KeyHash
    alias: str | None
    interval: str
    rotated_at: Millis


async def rotating_keys(db: Runs, now: datetime, size: int) -> list[RotatingKey]:
    """Return those that have waited longest."""
    return [
        RotatingKey(
            id=str(row["id"]),
            token=KeyHash(str(row["token"])),
            alias=None if row["key_alias"] is None else str(row["key_alias"]),
            interval=str(row["rotation_interval"]),
            rotated_at=millis(cast("datetime", row["rotated_at"])),
        )
        for row in await db.all(_SQL["rotating_keys"], now=now, size=size)
    ]
