"""Write lately changed policies and configuration to Redis again, should it have been lost.

A write is lost when whoever made it died, or Redis failed over, between the commit and the write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.config.live import find_overlay
from shared.storage.columns import moment
from shared.storage.config_entries import publish_overlay
from shared.storage.config_rows import has_config_changed
from shared.storage.policies import publish
from shared.storage.principals import changed_policies

if TYPE_CHECKING:
    from datetime import datetime

    from shared.domain import Millis
    from shared.storage.stores import Stores

LATELY_MS: Final = 15 * 60 * 1000
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class RepublishReport:
    """How many policies changed lately, how many Redis took; whether it took the configuration."""

    changed: int
    written: int
    is_config_written: bool = False


async def republish(stores: Stores, now: Millis) -> RepublishReport:
    """Offer Redis the policies that were changed or deleted in the last 15 minutes."""
    since = moment(now - LATELY_MS)
    changed = written = after = 0
    while True:
        page = await changed_policies(stores.postgres, since, after=after, most=PAGE)
        written += await publish(stores.redis, page)
        changed += len(page)
        if len(page) < PAGE:
            return RepublishReport(changed, written, await _republish_config(stores, since))
        after = page[-1].version


async def _republish_config(stores: Stores, since: datetime) -> bool:
    if not await has_config_changed(stores.postgres, since):
        return False
    overlay = await find_overlay(stores.postgres)
    return await publish_overlay(stores.redis, overlay.version, overlay.render())
