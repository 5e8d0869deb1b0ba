"""The configuration's version and overlay in Redis: what every process compares itself with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.storage.scripts import script

if TYPE_CHECKING:
    from shared.storage.redis import Runs

VERSION_KEY: Final = "config:version"
OVERLAY_KEY: Final = "config:overlay"

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


async def announce_config(redis: Runs, name: str, at: str) -> None:
    """Tell whoever listens which part of the configuration has changed, and when."""
    await redis.execute(["PUBLISH", _CHANNEL, orjson.dumps({name: at}).decode()])
