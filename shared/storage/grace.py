"""The former secrets of keys, from Postgres."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from shared.domain import KeyHash, Millis
from shared.storage.columns import millis, moment
from shared.storage.statements import load

if TYPE_CHECKING:
    from datetime import datetime

    from shared.storage.postgres import Runs

_SQL = load("grace")


@dataclass(frozen=True, slots=True)
class Successor:
    """The key that a former secret stands for, and until when."""

    key_hash: KeyHash
    until: Millis


async def find_successor(db: Runs, key_hash: KeyHash, now: Millis) -> Successor | None:
    """Return what a former secret stands for now, None when it is none or its time is over."""
    row = await db.one(_SQL["find_successor"], key_hash=key_hash, now=moment(now))
    if row is None:
        return None
    return Successor(KeyHash(str(row["token"])), millis(cast("datetime", row["revoke_at"])))
