"""Run the door: in a thread of this process (tests), or as a process of its own (`up`)."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import uvicorn

from local.door.app import Door
from local.door.resp import Connection
from local.servers import LOOPBACK
from local.threads import ServerThread, configuration, inherited

if TYPE_CHECKING:
    from local.door.faults import Calls, Faults

VALKEY_PORT = "TOLLGATE_VALKEY_PORT"
VALKEY_PASSWORD = "TOLLGATE_VALKEY_PASSWORD"  # noqa: S105 - the variable's name
CONTROL_TOKEN = "TOLLGATE_DOOR_CONTROL_TOKEN"  # noqa: S105 - the variable's name


class DoorThread(ServerThread):
    """A door for tests, which can make it fail and see what it was asked."""

    def __init__(self, valkey_port: int, valkey_password: str, token: str) -> None:
        """Prepare it; nothing listens before `start`."""
        self.token = token
        self._valkey = Connection(LOOPBACK, valkey_port, valkey_password)
        self._door = Door(self._valkey, token)
        super().__init__(self._door)

    @property
    def faults(self) -> Faults:
        """How it is to fail."""
        return self._door.faults

    @property
    def calls(self) -> Calls:
        """What it was asked."""
        return self._door.calls

    def close(self) -> None:
        """Close the connection to Valkey."""
        self._valkey.close()


def main() -> None:
    """Serve the door that the environment describes, until SIGTERM."""
    valkey = Connection(
        LOOPBACK,
        int(os.environ[VALKEY_PORT]),
        os.environ[VALKEY_PASSWORD],
    )
    token = os.environ["UPSTASH_REDIS_REST_TOKEN"]
    door = Door(valkey, token, os.environ.get(CONTROL_TOKEN, ""))
    uvicorn.Server(configuration(door)).run(sockets=[inherited()])


if __name__ == "__main__":
    main()
