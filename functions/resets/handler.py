"""Every five minutes: budgets that are due start afresh, by the configured calendar."""

from __future__ import annotations

from functools import partial

from shared.config.loading import load_config
from shared.ledger.reset import reset
from shared.runtime.process import start
from shared.runtime.schedule import schedule_handler

settings = start("resets")
litellm = load_config(settings.config_path).litellm
resets = partial(reset, timezone=litellm.timezone, reset_time=litellm.budget_reset_time)
handler = schedule_handler(settings, {"resets": resets})
