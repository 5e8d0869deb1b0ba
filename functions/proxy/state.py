"""The gateway of this process, opened by its first request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.gateway.gateway import Gateway
from shared.runtime import process

if TYPE_CHECKING:
    from starlette.requests import Request


def gateway_of(request: Request) -> Gateway:
    """Return the process's gateway; SettingsError when the environment does not make one."""
    state = request.app.state
    if state.gateway is None:
        state.gateway = Gateway.open(process.start("proxy"))
    gateway: Gateway = state.gateway
    return gateway
