"""Every five minutes: budgets that are due start afresh, by the configured calendar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.config.loading import load_config
from shared.ledger.reset import reset
from shared.runtime.process import start
from shared.runtime.schedule import schedule_handler

if TYPE_CHECKING:
    from shared.domain import Millis
    from shared.ledger.reset import ResetReport
    from shared.storage.stores import Stores

settings = start("resets")
calendar = load_config(settings.config_path).litellm


async def resets(stores: Stores, now: Millis) -> ResetReport:
    """Reset what is due in the calendar's timezone."""
    timezone, reset_time = calendar.timezone, calendar.budget_reset_time
    return await reset(stores, now, timezone=timezone, reset_time=reset_time)


handler = schedule_handler(settings, [resets])
