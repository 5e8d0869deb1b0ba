"""Tell people about budgets that are spent, or soon will be: each thing once a period.

Noted in Postgres before it is sent, so neither a second run nor a crash tells it twice; sent again
within a day to whom it did not reach.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import HttpRequest, Timeouts
from shared.errors import TransportFailed
from shared.limits.alerts import alerts_of, slack_text
from shared.observability import log
from shared.storage.budget_alerts import (
    ProxyBudget,
    claim_alerts,
    mark_sent,
    note_alerts,
    pressing_budgets,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import JsonObject, Millis
    from shared.storage.budget_alerts import UnsentAlert
    from shared.storage.stores import Stores

NO_PROXY_BUDGET: Final = ProxyBudget(None, "-", None)
MOST: Final = 500
MOST_SENT: Final = 50
_TIMEOUTS: Final = Timeouts(connect=3, first_byte=5, between_bytes=5, total=8)
_REPLY_CAP: Final = 64 * 1024
_ERROR: Final = 300


@dataclass(frozen=True, slots=True)
class AlertReport:
    """How many new things there were to tell; how many were told to all, and how many not."""

    noted: int = 0
    sent: int = 0
    unsent: int = 0


async def alert(
    stores: Stores,
    now: Millis,
    channels: Mapping[str, str],
    proxy: ProxyBudget = NO_PROXY_BUDGET,
) -> AlertReport:
    """Tell `channels` (slack and webhook, by address) what is new; safe to run several at once."""
    if not channels:
        return AlertReport()
    noted = await _note(stores, now, proxy)
    sent = unsent = 0
    for each in await claim_alerts(stores.postgres, MOST_SENT):
        is_all = await _tell(stores, each, channels)
        sent, unsent = sent + is_all, unsent + (not is_all)
    return AlertReport(noted, sent, unsent)


async def _note(stores: Stores, now: Millis, proxy: ProxyBudget) -> int:
    """Note what is new, page by page: those that were told long since press as well."""
    noted, last = 0, None
    while budgets := await pressing_budgets(stores.postgres, now, proxy, MOST, last):
        last = budgets[-1]
        new = [each for budget in budgets for each in alerts_of(budget, now)]
        noted += await note_alerts(stores.postgres, new) if new else 0
    return noted


async def _tell(stores: Stores, alert: UnsentAlert, channels: Mapping[str, str]) -> bool:
    """Send an alert to the channels that have not had it; say whether all have it now."""
    sent_to = list(alert.sent_to)
    for channel in channels.keys() - set(sent_to):
        body: JsonObject = alert.body
        if channel == "slack":
            body = {"text": slack_text(body)}
        if await _post(stores, channel, channels[channel], body):
            sent_to.append(channel)
    is_all = set(channels) <= set(sent_to)
    await mark_sent(stores.postgres, alert, sent_to, is_all=is_all)
    return is_all


async def _post(stores: Stores, channel: str, url: str, body: JsonObject) -> bool:
    headers = {"content-type": "application/json"}
    request = HttpRequest("POST", url, headers, orjson.dumps(body))
    try:
        response = await stores.http.send(request, _TIMEOUTS)
        await response.read(_REPLY_CAP)
    except TransportFailed as error:
        # The address is a secret: whoever has it can write into the channel.
        log.error("alert_not_sent", channel=channel, reason=error.message)
        return False
    if response.status >= _ERROR:
        log.error("alert_not_sent", channel=channel, reason=f"answered {response.status}")
        return False
    return True
