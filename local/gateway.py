"""The whole gateway in one process: what production deploys as the proxy and admin functions."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

import uvicorn
import uvloop
from starlette.routing import Match

from functions.proxy.app import app as proxy
from functions.proxy.state import following
from local.threads import inherited

if TYPE_CHECKING:
    from collections.abc import Generator

    from starlette.types import ASGIApp, Receive, Scope, Send

FINISH_SECONDS = 5


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Hand a request to the function that has its path."""
    is_for_proxy = any(route.matches(scope)[0] != Match.NONE for route in proxy.routes)
    await (proxy if is_for_proxy else admin())(scope, receive, send)


@cache
def admin() -> ASGIApp:
    """Import the management routes: half of what a start costs, so calls do not wait for them."""
    from functions.admin.app import app as admin_app  # noqa: PLC0415

    return admin_app


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Leave signals alone: uvicorn's way ends the process with its last connection."""
        yield


async def serve() -> None:
    """Serve until SIGTERM, then let requests and what they owe (settlements) finish."""
    configuration = uvicorn.Config(
        app,
        interface="asgi3",
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=FINISH_SECONDS,
    )
    server = _Server(configuration)

    def end() -> None:
        server.should_exit = True

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, end)
    loop.add_signal_handler(signal.SIGINT, end)
    # A thread: the first calls are answered meanwhile, and the first change does not wait long.
    loading = loop.run_in_executor(None, admin)
    async with following(proxy):
        await server.serve(sockets=[inherited()])
    await loading
    owed = asyncio.all_tasks() - {asyncio.current_task()}
    if owed:
        await asyncio.wait(owed, timeout=FINISH_SECONDS)


def main() -> None:
    """Run it; the loop is left as it is, since uvloop's end waits for connections to stores."""
    uvloop.new_event_loop().run_until_complete(serve())


if __name__ == "__main__":
    main()
