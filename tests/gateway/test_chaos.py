"""Four deployments that break by script, and several processes that must not let it be noticed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from itertools import cycle
from typing import TYPE_CHECKING, Any

import httpx
import orjson
import pytest

from tests.gateway.given import MASTER_KEY, counter, ledger, model, names, price_of
from tests.provider import Behaviour, Provider

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.door.server import DoorThread
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey

CALLS = 5_000
AT_ONCE = 30
PROCESSES = 3
LONGEST_SECONDS = 20.0
"""Four timeouts of two seconds, a pause, and two busy cores."""

CALL: dict[str, Any] = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}
STREAM = {**CALL, "stream": True, "stream_options": {"include_usage": True}}
TROUBLES = (
    Behaviour(status=500),
    Behaviour(status=429, headers={"retry-after": "1"}),
    Behaviour(seconds_before_head=0.4),
    Behaviour(resets=-1),
    Behaviour(status=503),
    Behaviour(holds=-1),
    Behaviour(body=b"<html>not JSON</html>"),
)


@pytest.fixture
def four() -> Iterator[list[Provider]]:
    servers = [Provider() for _ in range(4)]
    for server in servers:
        server.start()
    yield servers
    for server in servers:
        server.release()
        server.stop()


@pytest.fixture
def processes(
    four: list[Provider], door: DoorThread, postgres_dsn: str, tmp_path: Path
) -> Iterator[list[str]]:
    """Start gateways as processes of their own; return their addresses."""
    config = {
        "model_list": [model("gpt", server.url, timeout=2) for server in four],
        "router_settings": {"num_retries": 3, "cooldown_time": 1},
    }
    path = tmp_path / "config.json"
    path.write_bytes(orjson.dumps(config))
    environment = {
        **os.environ,
        "TOLLGATE_MASTER_KEY": MASTER_KEY,
        "DATABASE_URL": postgres_dsn,
        "UPSTASH_REDIS_REST_URL": door.url,
        "UPSTASH_REDIS_REST_TOKEN": door.token,
        "TOLLGATE_CONFIG": str(path),
    }
    started: list[subprocess.Popen[bytes]] = []
    urls: list[str] = []
    for number in range(PROCESSES):
        port = _free_port()
        argv = [sys.executable, "-m", "uvicorn", "functions.proxy.app:app", "--port", str(port)]
        log = (tmp_path / f"{number}.log").open("wb")
        with log:
            started.append(
                subprocess.Popen(
                    [*argv, "--log-level", "warning"], env=environment, stdout=log, stderr=log
                )
            )
        urls.append(f"http://127.0.0.1:{port}")
    yield urls
    for process in started:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


async def _up(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(httpx.TransportError):
                await client.get("/v1/models")
                return
            await asyncio.sleep(0.1)


async def _trouble(four: list[Provider]) -> None:
    """Break up to three at a time, each differently; there is always one that is well."""
    troubles = cycle(TROUBLES)
    for turn in cycle(range(4)):
        for number, server in enumerate(four):
            server.release()
            server.default = Behaviour() if number == turn else next(troubles)
        await asyncio.sleep(1.5)


@pytest.mark.slow
async def test_as_long_as_one_deployment_is_well_nobody_notices_the_others(
    four: list[Provider], processes: list[str], given: Given, gateway: Gateway
) -> None:
    key = await given.key(max_budget=1_000)
    async with contextlib.AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
            for url in processes
        ]
        for client in clients:
            await _up(client)
        breaking = asyncio.create_task(_trouble(four))
        try:
            replies, longest = await _load(clients, key)
        finally:
            breaking.cancel()
            for server in four:
                server.release()

    served = [reply for reply in replies if reply.status_code == 200]
    failed = Counter(reply.text for reply in replies if reply.status_code != 200)
    assert len(served) >= CALLS * 0.999, failed
    assert longest < LONGEST_SECONDS
    # With three of four broken a call asks 2.5 deployments on average, unless the cooled are left
    # alone.
    assert sum(len(server.requests) for server in four) < CALLS * 2
    await _has_settled(gateway, key)
    rows = await ledger(gateway, CALLS)
    told = sum(_cost(reply) for reply in served)
    spent = sum(int(row["spend"]) for row in rows)
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert CALLS == len({row["id"] for row in rows})
    assert (told, str(spent), "0") == (spent, budget["spent"], budget["reserved"])
    assert [] == await names(gateway, "parallel:deployment:*")


async def _load(
    clients: list[httpx.AsyncClient], key: GivenKey
) -> tuple[list[httpx.Response], float]:
    """Make all calls, some at once, spread over the processes; tell how long the longest took."""
    numbers = iter(range(CALLS))
    replies: list[httpx.Response] = []
    longest = 0.0

    async def work() -> None:
        nonlocal longest
        for number in numbers:
            body = STREAM if number % 5 == 0 else CALL
            client = clients[number % len(clients)]
            began = time.monotonic()
            reply = await client.post("/v1/chat/completions", json=body, headers=key.headers)
            longest = max(longest, time.monotonic() - began)
            replies.append(reply)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return replies, longest


def _cost(reply: httpx.Response) -> int:
    """Tell by its usage what an answer costs; a stream has it in its last chunk."""
    if reply.headers["content-type"] == "application/json":
        usage = reply.json()["usage"]
    else:
        *_, last, _ = [line for line in reply.text.splitlines() if line.startswith("data: ")]
        usage = orjson.loads(last.removeprefix("data: "))["usage"]
    return price_of(usage["prompt_tokens"], usage["completion_tokens"])


async def _has_settled(gateway: Gateway, key: GivenKey) -> None:
    async with asyncio.timeout(30):
        while (await counter(gateway, f"budget:key:{key.hash}:-"))["reserved"] != "0":  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.05)
