"""Run the door: in a thread of this process (tests), or as a process of its own (`up`)."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from typing import TYPE_CHECKING

import uvicorn

from local.door.app import Door
from local.door.http import AbortableProtocol
from local.door.resp import Connection
from local.servers import LOOPBACK, StartFailed, free_port

if TYPE_CHECKING:
    from local.door.faults import Calls, Faults

BACKLOG = 2048
START_SECONDS = 30.0


class DoorThread:
    """A door on a loopback port, served by a thread; started again it has the same port."""

    def __init__(self, valkey_port: int, valkey_password: str, token: str) -> None:
        """Prepare it; nothing listens before `start`."""
        self.token = token
        self.port = free_port()
        self._valkey = Connection(LOOPBACK, valkey_port, valkey_password)
        self._door = Door(self._valkey, token)
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """What a client takes as UPSTASH_REDIS_REST_URL."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def faults(self) -> Faults:
        """How it is to fail."""
        return self._door.faults

    @property
    def calls(self) -> Calls:
        """What it was asked."""
        return self._door.calls

    def start(self) -> None:
        """Listen; connections made before the thread runs wait in the backlog."""
        listener = _listener(self.port)
        self._server = uvicorn.Server(_config(self._door))
        self._thread = threading.Thread(target=self._run, args=(self._server, listener))
        self._thread.start()

    def stop(self) -> None:
        """Close the port and every connection: from now on the door refuses."""
        if self._server and self._thread:
            self._server.should_exit = True
            self._server.force_exit = True
            self._thread.join()

    def _run(self, server: uvicorn.Server, listener: socket.socket) -> None:
        with asyncio.Runner(loop_factory=_new_loop) as runner:
            runner.run(server.serve(sockets=[listener]))
            self._valkey.close()


def _new_loop() -> asyncio.AbstractEventLoop:
    import uvloop  # noqa: PLC0415 - not on Windows

    return uvloop.new_event_loop()


def _config(door: Door) -> uvicorn.Config:
    return uvicorn.Config(
        door,
        http=AbortableProtocol,
        lifespan="off",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
        timeout_keep_alive=60,
    )


def _listener(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except OSError as error:
        listener.close()
        raise StartFailed(f"port {port} is taken") from error
    listener.listen(BACKLOG)
    return listener


def main() -> None:
    """Serve the door that the environment describes, until SIGTERM."""
    valkey = Connection(
        LOOPBACK,
        int(os.environ["TOLLGATE_VALKEY_PORT"]),
        os.environ["TOLLGATE_VALKEY_PASSWORD"],
    )
    token = os.environ["UPSTASH_REDIS_REST_TOKEN"]
    door = Door(valkey, token, os.environ.get("TOLLGATE_DOOR_CONTROL_TOKEN", ""))
    listener = _listener(int(os.environ["TOLLGATE_DOOR_PORT"]))
    uvicorn.Server(_config(door)).run(sockets=[listener])


if __name__ == "__main__":
    main()
