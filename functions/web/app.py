"""Both apps behind one door, for a server that has many requests at once.

A server on AWS ends a request at its time limit, and the process a second after SIGTERM. In both
cases the app sees its caller leave a little earlier, so that it still settles what it owes.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from typing import TYPE_CHECKING, Final

from starlette.routing import Match

from shared.observability import log
from shared.runtime.http import EXTENSION
from shared.runtime.process import MARGIN_SECONDS, Invocation, begin

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUEST_SECONDS: Final = 900
SETTLE_SECONDS: Final = 0.8  # of the second that a process has after SIGTERM

_DISCONNECT: Final[Message] = {"type": "http.disconnect"}


class Web:
    """An ASGI app that hands each request to the app that has its path, and ends in order."""

    def __init__(self, proxy: Starlette, load_admin: Callable[[], ASGIApp]) -> None:
        """Take the proxy; the management routes are loaded by the first request for them."""
        self._proxy = proxy
        self._load_admin = load_admin
        self._admin: asyncio.Future[ASGIApp] | None = None
        self._running: dict[asyncio.Task[object], asyncio.Event] = {}
        self._is_ending = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the server's own life."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        task, leaving = asyncio.current_task(), asyncio.Event()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._running[task] = leaving
        begin(Invocation(trace_id=_trace_of(scope)))
        if self._is_ending:
            leaving.set()
        deadline_ms = time.time_ns() // 1_000_000 + REQUEST_SECONDS * 1000
        timer = asyncio.get_running_loop().call_later(REQUEST_SECONDS - MARGIN_SECONDS, leaving.set)
        told: Scope = {
            **scope,
            # By this version an app that streams listens for its caller's leaving.
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "extensions": {
                **(scope.get("extensions") or {}),
                EXTENSION: {"deadline_ms": deadline_ms},
            },
        }
        try:
            app = self._proxy if self._is_for_proxy(scope) else await self._management()
            await app(told, _until(leaving, receive), send)
        finally:
            timer.cancel()
            del self._running[task]

    def _is_for_proxy(self, scope: Scope) -> bool:
        return any(route.matches(scope)[0] != Match.NONE for route in self._proxy.routes)

    async def _management(self) -> ASGIApp:
        if self._admin is None:
            # In a thread: calls of models go on while a second's worth of modules is imported.
            self._admin = asyncio.get_running_loop().run_in_executor(None, self._load_admin)
        return await asyncio.shield(self._admin)

    async def _live(self, receive: Receive, send: Send) -> None:
        while True:
            match (await receive())["type"]:
                case "lifespan.startup":
                    self._hear_sigterm()
                    await send({"type": "lifespan.startup.complete"})
                case _:
                    await self.end()
                    await send({"type": "lifespan.shutdown.complete"})
                    return

    async def end(self) -> None:
        """Have every request settle what it owes, within the time that is left for it."""
        self.leave()
        if self._running:
            _, unsettled = await asyncio.wait(self._running, timeout=SETTLE_SECONDS)
            if unsettled:
                log.error("work_left_unfinished", tasks=len(unsettled))

    def leave(self) -> None:
        """Let every request see its caller leave."""
        self._is_ending = True
        for leaving in self._running.values():
            leaving.set()

    def _hear_sigterm(self) -> None:
        """Leave at once on SIGTERM, then do what the server does."""
        loop = asyncio.get_running_loop()
        before = signal.getsignal(signal.SIGTERM)

        async def end_alone() -> None:
            await self.end()
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            os.kill(os.getpid(), signal.SIGTERM)

        def hear(number: int, frame: FrameType | None) -> None:
            loop.call_soon_threadsafe(self.leave)
            if callable(before):
                before(number, frame)
            else:  # the server has no wish of its own
                asyncio.run_coroutine_threadsafe(end_alone(), loop)

        signal.signal(signal.SIGTERM, hear)


def _trace_of(scope: Scope) -> str | None:
    return next((v.decode("latin-1") for n, v in scope["headers"] if n == b"x-amzn-trace-id"), None)


def _until(leaving: asyncio.Event, receive: Receive) -> Receive:
    """Receive what the server has to say, and a disconnect once the request is to leave."""

    async def wrapped() -> Message:
        if leaving.is_set():
            return _DISCONNECT
        told = asyncio.ensure_future(receive())
        left = asyncio.ensure_future(leaving.wait())
        try:
            await asyncio.wait((told, left), return_when=asyncio.FIRST_COMPLETED)
            return told.result() if told.done() else _DISCONNECT
        finally:
            told.cancel()
            left.cancel()

    return wrapped
