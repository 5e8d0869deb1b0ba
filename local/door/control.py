"""Faults and counters over HTTP, for tests whose door runs in another process."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

import orjson

from local.asgi import Reply

if TYPE_CHECKING:
    from local.asgi import Request
    from local.door.faults import Calls, Faults

CONTROL_PATH = "/_control/"


class Control:
    """Serves `/_control/faults` (POST adds, DELETE clears), `/_control/calls` (GET, DELETE)."""

    def __init__(self, faults: Faults, calls: Calls, token: str) -> None:
        self._faults = faults
        self._calls = calls
        self._token = token.encode()

    async def reply(self, request: Request) -> Reply:
        """Do what a request asks, when it brings the control token."""
        presented = request.header(b"authorization").removeprefix(b"Bearer ")
        if not hmac.compare_digest(presented, self._token):
            return Reply(401, {"error": "not the control token"})
        match request.method, request.path.removeprefix(CONTROL_PATH):
            case "POST", "faults":
                return self._add(await request.body())
            case "DELETE", "faults":
                self._faults.clear()
            case "DELETE", "calls":
                self._calls.reset()
            case "GET", "calls":
                counted = {"http": self._calls.http, "by_command": dict(self._calls.by_command)}
                return Reply(200, counted)
            case _:
                return Reply(404, {"error": "there are faults and calls"})
        return Reply(200, {})

    def _add(self, body: bytes) -> Reply:
        try:
            self._faults.add(**orjson.loads(body))
        except (TypeError, ValueError) as error:
            return Reply(400, {"error": str(error)})
        return Reply(200, {})
