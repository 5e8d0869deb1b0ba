"""Gateways as processes of their own, which share nothing but the stores."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import orjson

from local.threads import listen
from tests.gateway.given import MASTER_KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from local.door.server import DoorThread
    from shared.domain import Json

SECONDS_UNTIL_UP = 60


@contextlib.asynccontextmanager
async def processes(
    count: int, config: Json, folder: Path, door: DoorThread, dsn: str, **environment: str
) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Start gateways and yield a client of each; nothing of them is left afterwards."""
    path = folder / "config.json"
    path.write_bytes(orjson.dumps(config))
    whole = {
        **os.environ,
        "TOLLGATE_MASTER_KEY": MASTER_KEY,
        "DATABASE_URL": dsn,
        "UPSTASH_REDIS_REST_URL": door.url,
        "UPSTASH_REDIS_REST_TOKEN": door.token,
        "TOLLGATE_CONFIG": str(path),
        **environment,
    }
    started: list[subprocess.Popen[bytes]] = []
    async with contextlib.AsyncExitStack() as stack:
        try:
            ports = [_start(number, folder, whole, started) for number in range(count)]
            clients = [
                await stack.enter_async_context(
                    httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60)
                )
                for port in ports
            ]
            for client in clients:
                await _up(client)
            yield clients
        finally:
            for process in started:
                process.kill()
                process.wait()


def _start(
    number: int,
    folder: Path,
    environment: dict[str, str],
    started: list[subprocess.Popen[bytes]],
) -> int:
    """Start one on a socket that is ours already, so that nobody else takes its port."""
    with listen(0) as listener, (folder / f"{number}.log").open("wb") as log:
        argv: Sequence[str] = (
            *(sys.executable, "-m", "uvicorn", "tests.gateway.bounded:app"),
            *("--fd", str(listener.fileno()), "--log-level", "warning"),
        )
        started.append(
            subprocess.Popen(
                argv,
                env=environment,
                stdout=log,
                stderr=log,
                pass_fds=[listener.fileno()],
            )
        )
        return listener.getsockname()[1]


async def _up(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(SECONDS_UNTIL_UP):
        while True:
            with contextlib.suppress(httpx.TransportError):
                await client.get("/v1/models")
                return
            await asyncio.sleep(0.1)
