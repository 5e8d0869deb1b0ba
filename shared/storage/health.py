"""Whether the stores answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import StoreDown
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from shared.storage.postgres import Postgres
    from shared.storage.redis import Redis


async def is_postgres_up(db: Postgres) -> bool:
    """Ask Postgres for anything."""
    try:
        await db.one("select 1 as one")
    except StoreDown:
        return False
    return True


async def is_redis_up(redis: Redis) -> bool:
    """Ask Redis for anything."""
    try:
        await redis.execute(["PING"])
    except (StoreDown, RedisRefused):
        return False
    return True
