"""The gateway of this process, opened by its first request."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from shared.gateway.gateway import Gateway
from shared.runtime import process

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from starlette.applications import Starlette
    from starlette.requests import Request


def gateway_of(request: Request) -> Gateway:
    """Return the process's gateway; SettingsError when the environment does not make one."""
    return gateway_in(request.app)


def gateway_in(app: Starlette) -> Gateway:
    """Return the gateway of an app, opened when it is first asked for."""
    if app.state.gateway is None:
        app.state.gateway = Gateway.open(process.start("proxy"))
    gateway: Gateway = app.state.gateway
    return gateway


@asynccontextmanager
async def following(app: Starlette) -> AsyncGenerator[None]:
    """Learn of changes of the configuration as they are announced, where the process lives long.

    Never on Lambda: a frozen function hears nothing, and an open connection costs.
    """
    gateway = gateway_in(app)
    if gateway.live is None or gateway.settings.is_lambda:
        yield
        return
    task = asyncio.create_task(gateway.live.follow())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
