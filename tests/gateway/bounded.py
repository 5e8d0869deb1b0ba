"""The proxy app in a process that ends each call in time, as a function's does."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from functions.proxy.app import app as proxy
from shared.runtime.http import EXTENSION

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

SECONDS = float(os.environ.get("TEST_DEADLINE_SECONDS", "900"))


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Say when the process would be gone, as the runtime loop does."""
    if scope["type"] == "http":
        deadline_ms = time.time_ns() // 1_000_000 + int(SECONDS * 1000)
        extensions = scope.get("extensions") or {}
        scope = {**scope, "extensions": {**extensions, EXTENSION: {"deadline_ms": deadline_ms}}}
    await proxy(scope, receive, send)
