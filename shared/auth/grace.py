"""A key's former secret, while its grace period lasts, stands for the key."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import KeyNotFound
from shared.storage.grace import find_successor

if TYPE_CHECKING:
    from shared.auth.directory import Directory
    from shared.domain import Millis, Principal
    from shared.storage.principals import Asking


async def find_by_any_secret(
    directory: Directory, asking: Asking, now: Millis, *, fresh: bool
) -> Principal:
    """Return the principal behind the hash that asks, be it of a key's secret or of a former one.

    Raise KeyNotFound when there is none. A former secret that was seen before costs nothing more.
    """
    key_hash = asking.key_hash
    known = directory.successors.get(key_hash)
    if known is not None and known.until > now:
        with suppress(KeyNotFound):  # it may have been given yet another secret
            return await directory.find(replace(asking, key_hash=known.key_hash), now, fresh=fresh)
    try:
        return await directory.find(asking, now, fresh=fresh)
    except KeyNotFound:
        successor = await find_successor(directory.stores.postgres, key_hash, now)
        directory.remember_successor(key_hash, successor)
        if successor is None:
            raise
    return await directory.find(replace(asking, key_hash=successor.key_hash), now, fresh=fresh)
