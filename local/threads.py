"""Serve an ASGI app on a loopback port from a thread of this process."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn
import uvloop

from local.asgi import AbortableProtocol
from local.servers import LOOPBACK, StartFailed, free_port

if TYPE_CHECKING:
    from starlette.types import ASGIApp

BACKLOG = 2048
LISTENER = "TOLLGATE_LISTENER"


class ServerThread:
    """One app on one port; started again it has the same port."""

    def __init__(self, app: ASGIApp) -> None:
        """Choose a port; nothing listens before `start`."""
        self.port = free_port()
        self._app = app
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{LOOPBACK}:{self.port}"

    def start(self) -> None:
        """Listen; connections made before the thread runs wait in the backlog."""
        listener = listen(self.port)
        self._server = uvicorn.Server(configuration(self._app))
        self._thread = threading.Thread(target=self._serve, args=(self._server, listener))
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection: from now on it refuses."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join()

    def close(self) -> None:
        """Close what the app has open, on its own loop: uvloop waits for it."""

    def _serve(self, server: uvicorn.Server, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(server.serve(sockets=[listener]))
            self.close()


def configuration(app: ASGIApp) -> uvicorn.Config:
    """Return uvicorn's settings for a server of this machine: quiet and quick."""
    return uvicorn.Config(
        app,
        http=AbortableProtocol,
        interface="asgi3",
        lifespan="off",
        proxy_headers=False,
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
    )


def listen(port: int, host: str = LOOPBACK) -> socket.socket:
    """Return a listening socket; StartFailed when the port is taken."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StartFailed(f"cannot listen on {host} port {port}: {error.strerror}") from error
    listener.listen(BACKLOG)
    return listener


def inherited() -> socket.socket:
    """Return the socket the supervisor listens on: callers wait while this process is away."""
    return socket.socket(fileno=int(os.environ[LISTENER]))
