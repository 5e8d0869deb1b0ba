"""Every five minutes: budgets that are due start afresh, by the calendar that is configured now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.config.live import LiveConfig
from shared.ledger.reset import ResetReport, reset
from shared.runtime.process import start
from shared.runtime.schedule import schedule_handler

if TYPE_CHECKING:
    from shared.domain import Millis
    from shared.storage.stores import Stores

settings = start("resets")


async def resets(stores: Stores, now: Millis) -> ResetReport:
    """Start afresh what is due."""
    live = LiveConfig.open(settings, stores)
    await live.begin()
    litellm = live.current.litellm
    return await reset(stores, now, timezone=litellm.timezone, reset_time=litellm.budget_reset_time)


handler = schedule_handler(settings, {"resets": resets})
