"""Every minute: spend to Postgres, dead holds to an end, counters as the ledger, months ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.config.live import LiveConfig
from shared.ledger.alert import AlertReport, alert
from shared.ledger.drain import drain
from shared.ledger.partitions import PartitionsReport, keep_partitions
from shared.ledger.reconcile import reconcile
from shared.ledger.republish import republish
from shared.ledger.sweep import sweep
from shared.limits.budgets import Calendar, calendar_period
from shared.runtime.process import start
from shared.runtime.schedule import schedule_handler
from shared.storage.budget_alerts import ProxyBudget

if TYPE_CHECKING:
    from shared.config.model import Config
    from shared.domain import Millis
    from shared.storage.stores import Stores

settings = start("ledger")


async def partitions(stores: Stores, now: Millis) -> PartitionsReport:
    """Make the months ahead, and drop those that need not be kept."""
    return await keep_partitions(stores, now, (await _config(stores)).general.spend_logs_kept)


async def alerts(stores: Stores, now: Millis) -> AlertReport:
    """Tell of budgets that press, to whom the configuration names and the environment knows."""
    config = await _config(stores)
    addresses = {"slack": settings.slack_webhook_url, "webhook": settings.webhook_url}
    channels = {name: addresses[name] for name in config.alerting.channels if addresses[name]}
    return await alert(stores, now, channels, _proxy_budget(config, now))


def _proxy_budget(config: Config, now: Millis) -> ProxyBudget:
    litellm = config.litellm
    calendar = Calendar(litellm.timezone, litellm.budget_reset_time)
    duration = litellm.budget_duration
    until = calendar_period(duration, now, calendar).until
    return ProxyBudget(litellm.max_budget, duration or "-", until)


async def _config(stores: Stores) -> Config:
    live = LiveConfig.open(settings, stores)
    await live.begin()
    return live.current


handler = schedule_handler(
    settings,
    {
        "drain": drain,
        "sweep": sweep,
        "reconcile": reconcile,
        "republish": republish,
        "keep_partitions": partitions,
        "alert": alerts,
    },
)
