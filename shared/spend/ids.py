"""Ids of ledger rows: UUIDv7, so that the id alone says when, and sorts by it."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING
from uuid import UUID

if TYPE_CHECKING:
    from shared.domain import Millis

_RANDOM_BITS = 80
_VERSION = 7 << 76
_VARIANT = 2 << 62
_VERSION_AND_VARIANT_MASK = ~((0xF << 76) | (0x3 << 62))


def uuid7(now: Millis) -> str:
    """Make an id of this millisecond; random from the system, so a restored snapshot is safe."""
    return _build(now, int.from_bytes(os.urandom(10), "big"))


def correction_id(request_id: str) -> str:
    """Derive the id of a lost request's one correction row: the same millisecond, always the same.

    A late settle and a replayed journal thus write one row between them.
    """
    first = UUID(request_id).int
    digest = hashlib.sha256(f"correction:{request_id}".encode()).digest()
    return _build(first >> _RANDOM_BITS, int.from_bytes(digest[:10], "big"))


def millis_of(request_id: str) -> int:
    """Return the unix milliseconds an id was made at."""
    return UUID(request_id).int >> _RANDOM_BITS


def _build(millis: int, random: int) -> str:
    tail = (random & _VERSION_AND_VARIANT_MASK) | _VERSION | _VARIANT
    return str(UUID(int=(millis << _RANDOM_BITS) | tail))
