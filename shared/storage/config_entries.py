"""The configuration's version and overlay in Redis: what every process compares itself with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.storage.scripts import script

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.storage.redis import Listens, Runs

VERSION_KEY: Final = "config:version"
OVERLAY_KEY: Final = "config:overlay"

FENCE_LIFE_MS: Final = 60_000

_FENCE: Final = "fence:"
_CHANNEL: Final = "config_updates"


async def standing_version(redis: Runs) -> str:
    """Return the version that admit compares with; "" when Redis has none."""
    found = await redis.execute(["GET", VERSION_KEY])
    return found if isinstance(found, str) else ""


async def standing_overlay(redis: Runs) -> str | None:
    """Return the overlay's JSON; None when Redis has none."""
    found = await redis.execute(["GET", OVERLAY_KEY])
    return found if isinstance(found, str) else None


async def publish_overlay(redis: Runs, version: int, overlay: str) -> bool:
    """Offer an overlay to every process; return whether it was the newest."""
    return await redis.run(script("configure"), [VERSION_KEY, OVERLAY_KEY], [version, overlay]) == 1


async def fence_config(redis: Runs, number: int) -> None:
    """Set fence `number` before a change of the configuration that is about to commit."""
    await redis.run(script("fence_config"), [VERSION_KEY], [number, FENCE_LIFE_MS])


def is_in_force(standing: str, version: int | None, read_mark: int) -> bool:
    """Tell whether a configuration counts by what stands in Redis, as admit does."""
    if version is None:
        return False
    if not standing.startswith(_FENCE):
        return standing == str(version)
    number = int(standing.removeprefix(_FENCE))
    return version > number or read_mark >= number


async def config_changes(redis: Listens) -> AsyncGenerator[None]:
    """Yield when one listens (what was said before was missed), then for each announcement."""
    async for _ in redis.messages(_CHANNEL):
        yield


async def announce_config(redis: Runs, name: str, at: str) -> None:
    """Tell whoever listens which part of the configuration has changed, and when."""
    await redis.execute(["PUBLISH", _CHANNEL, orjson.dumps({name: at}).decode()])
