"""Write lately changed policies to Redis again, should the first time have been lost.

A write is lost when whoever made it died, or Redis failed over, between the commit and the write.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.storage.columns import moment
from shared.storage.policies import publish
from shared.storage.principals import changed_policies

if TYPE_CHECKING:
    from shared.domain import Millis
    from shared.storage.stores import Stores

LATELY_MS: Final = 15 * 60 * 1000
PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class RepublishReport:
    """How many policies changed lately, and how many of them Redis took."""

    changed: int
    written: int


async def republish(stores: Stores, now: Millis) -> RepublishReport:
    """Offer Redis the policies that were changed or deleted in the last 15 minutes."""
    since = moment(now - LATELY_MS)
    changed = written = after = 0
    while True:
        page = await changed_policies(stores.postgres, since, after=after, most=PAGE)
        written += await publish(stores.redis, page)
        changed += len(page)
        if len(page) < PAGE:
            return RepublishReport(changed, written)
        after = page[-1].version
