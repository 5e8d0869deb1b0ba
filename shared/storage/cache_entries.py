"""The response cache's entries in Redis, as an administrator clears them: `cache:*` and no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.storage.policies import encode_id
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.redis import Runs

PREFIX: Final = "cache:"
PAGE: Final = 1_000

_PING: Final = f"{PREFIX}ping"


async def delete_entries(redis: Runs, names: Sequence[str]) -> int:
    """Delete entries by name, with or without the prefix; return how many there were."""
    keys = [PREFIX + encode_id(name.removeprefix(PREFIX)) for name in names]
    return _number(await redis.execute(["UNLINK", *keys]))


async def delete_all_entries(redis: Runs) -> int:
    """Delete every entry of the cache, page by page; what is no entry is never touched."""
    cursor, deleted = "0", 0
    while True:
        page = await redis.execute(["SCAN", cursor, "MATCH", f"{PREFIX}*", "COUNT", PAGE])
        if not isinstance(page, list):
            return deleted
        cursor, found = str(page[0]), page[1]
        keys = [str(key) for key in found] if isinstance(found, list) else []
        if own := [key for key in keys if key.startswith(PREFIX)]:
            deleted += _number(await redis.execute(["UNLINK", *own]))
        if cursor == "0":
            return deleted


async def can_write(redis: Runs) -> bool:
    """Write an entry that is gone a second later."""
    return await redis.execute(["SET", _PING, "1", "PX", 1_000]) == "OK"


async def server_info(redis: Runs) -> dict[str, int | str]:
    """Return what the server says of itself; how many keys it has where it says nothing more."""
    try:
        text = await redis.execute(["INFO"])
    except RedisRefused:  # a hosted Redis may not offer it
        return {"db_size": _number(await redis.execute(["DBSIZE"]))}
    pairs = (line.split(":", 1) for line in str(text).splitlines() if ":" in line)
    return {name: int(value) if value.isdecimal() else value for name, value in pairs}


def _number(reply: object) -> int:
    return reply if isinstance(reply, int) else 0
