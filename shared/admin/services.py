"""Send a test alert to a channel, so that whoever set it up sees whether it arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import HttpRequest, Timeouts
from shared.errors import BadRequest, TransportFailed
from shared.wire.admin_checkups import ServiceReply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.admin.desk import Desk
    from shared.domain import JsonObject

_TIMEOUTS: Final = Timeouts(connect=3, first_byte=5, between_bytes=5, total=8)
_REPLY_CAP: Final = 64 * 1024
_ERROR: Final = 300
_TEXT: Final = "This is a test alert of the gateway: nothing has happened."
_BODIES: Final[Mapping[str, JsonObject]] = {
    "slack": {"text": _TEXT},
    "webhook": {
        "event": "test_alert",
        "event_group": "proxy",
        "event_message": _TEXT,
        "spend": 0,
        "max_budget": 0,
    },
}


async def try_service(desk: Desk, service: str, addresses: Mapping[str, str]) -> ServiceReply:
    """Send one to the channel; raise BadRequest where it is not in use or cannot be reached."""
    channel = "slack" if service == "slack_budget_alerts" else service
    if channel not in _BODIES:
        raise BadRequest(
            f"{service!r} is not a service of this gateway: it sends alerts to slack and webhook.",
            param="service",
        )
    address = addresses.get(channel, "")
    if channel not in desk.live.current.alerting.channels or not address:
        raise BadRequest(
            f'"{service}" not in proxy config: general_settings.alerting, or its address '
            f"{channel.upper()}{'_WEBHOOK' if channel == 'slack' else ''}_URL is not set. "
            "Unable to test this.",
            param="service",
        )
    await _send(desk, channel, address)
    return ServiceReply(message=f"Mock {channel} alert sent, verify that it was received")


async def _send(desk: Desk, channel: str, address: str) -> None:
    # The address is a secret: whoever has it can write into the channel.
    headers = {"content-type": "application/json"}
    request = HttpRequest("POST", address, headers, orjson.dumps(_BODIES[channel]))
    try:
        response = await desk.stores.http.send(request, _TIMEOUTS)
        await response.read(_REPLY_CAP)
    except TransportFailed as error:
        raise BadRequest(f"The alert did not reach {channel}: {error.message}") from error
    if response.status >= _ERROR:
        raise BadRequest(f"{channel} answered {response.status} to the alert.", param="service")
