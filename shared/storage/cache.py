"""The response cache in Redis: `cache:{sha256_key}`, in a database of its own or beside the state.

Where both share a database, admit looks and settle keeps, and nothing here is called.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.storage.scripts import script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import Keeping
    from shared.storage.redis import Runs


@dataclass(frozen=True, slots=True)
class Found:
    """The entry of each key, empty where there is none, and the tokens of all together."""

    texts: tuple[str, ...]
    tokens: tuple[int, int]

    @property
    def is_whole(self) -> bool:
        """Whether every key has its entry."""
        return all(self.texts)


def cache_key(key: str) -> str:
    """Name an entry in Redis."""
    return f"cache:{key}"


def asking_key(key: str) -> str:
    """Name the note that an entry is being made."""
    return f"asking:{key}"


async def look(
    redis: Runs, request_id: str, keys: Sequence[str], *, oldest: int, ask_alone_ms: int | None
) -> Found | None:
    """Return the entries of `keys`; None when an equal call is being answered."""
    names = [asking_key(keys[0]), *map(cache_key, keys)]
    alone = "" if ask_alone_ms is None else ask_alone_ms
    reply = await redis.run(script("look"), names, [request_id, oldest, alone])
    match reply:
        case ["FOUND", prompt, completion, *texts]:
            return Found(tuple(map(str, texts)), (int(str(prompt)), int(str(completion))))
        case _:
            return None


async def keep(redis: Runs, request_id: str, keeping: Keeping) -> None:
    """Write what a call leaves in the cache."""
    await redis.run(script("keep"), keeping_keys(keeping), [request_id, *keeping_words(keeping)])


def keeping_keys(keeping: Keeping | None) -> list[str]:
    """Name what is written, the note that the answer was being made first."""
    if keeping is None:
        return []
    return [asking_key(keeping.asked_key), *(cache_key(entry.key) for entry in keeping.entries)]


def keeping_words(keeping: Keeping | None) -> list[str | int]:
    """Say what is written, entry by entry."""
    if keeping is None:
        return []
    words = ((entry.life_ms, entry.text) for entry in keeping.entries)
    return [word for pair in words for word in pair]
