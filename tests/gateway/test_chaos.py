"""Four deployments that break by script, and several processes that must not let it be noticed."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from itertools import cycle
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from tests.gateway.given import CALL, CHAT, counter, ledger, model, names, price_of
from tests.gateway.processes import processes
from tests.provider import Behaviour, Provider

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    import httpx

    from local.door.server import DoorThread
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey

AT_ONCE = 30
DEADLINE_SECONDS = 20.0
"""Seven attempts and their pauses fit into it, some of them timeouts of two seconds."""
REST_SECONDS = 30
PHASE_SECONDS = 1.5

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
async def three_processes(
    four: list[Provider], door: DoorThread, postgres_dsn: str, tmp_path: Path
) -> AsyncIterator[list[httpx.AsyncClient]]:
    config: Any = {
        "model_list": [
            model("gpt", server.url, timeout=2, model_info={"id": f"d{number}"})
            for number, server in enumerate(four)
        ],
        "router_settings": {"num_retries": 6, "cooldown_time": 1},
    }
    deadline = str(DEADLINE_SECONDS)
    async with processes(
        3, config, tmp_path, door, postgres_dsn, TEST_DEADLINE_SECONDS=deadline
    ) as clients:
        yield clients


@pytest.mark.parametrize("calls", [400, pytest.param(5_000, marks=pytest.mark.slow)])
async def test_as_long_as_one_deployment_is_well_nobody_notices_the_others(
    four: list[Provider],
    three_processes: list[httpx.AsyncClient],
    given: Given,
    gateway: Gateway,
    calls: int,
) -> None:
    key = await given.key(max_budget=1_000)
    async with _trouble(four):
        replies, longest = await _load(three_processes, key, calls)

    served = [reply for reply in replies if reply.status_code == 200]
    failed = Counter(reply.text for reply in replies if reply.status_code != 200)
    assert len(served) >= calls * 0.999, failed
    assert longest < DEADLINE_SECONDS
    # With three of four broken a call asks 2.5 deployments on average, unless the cooled are left
    # alone.
    assert sum(len(server.requests) for server in four) < calls * 2
    await _costs_are_exact(gateway, key, served, calls)
    assert [] == await names(gateway, "parallel:deployment:*")


async def test_one_that_cools_gets_no_traffic_from_any_process_until_it_is_back(
    four: list[Provider], three_processes: list[httpx.AsyncClient], given: Given, gateway: Gateway
) -> None:
    key = await given.key()
    asked_to_rest = {"retry-after": str(REST_SECONDS)}
    four[0].default = Behaviour(status=429, headers=asked_to_rest)
    while not await names(gateway, "cooldown:d0"):
        await _load(three_processes, key, 3)
    asked = len(four[0].requests)

    replies, _ = await _load(three_processes, key, 60)
    cooled = len(four[0].requests)
    four[0].default = Behaviour()
    await gateway.stores.redis.execute(["DEL", "cooldown:d0"])  # as half a minute later
    await _load(three_processes, key, 60)

    assert [200] * 60 == [reply.status_code for reply in replies]
    assert (asked, True) == (cooled, len(four[0].requests) > cooled)


@contextlib.asynccontextmanager
async def _trouble(four: list[Provider]) -> AsyncIterator[None]:
    """Break up to three at a time, each differently; there is always one that is well."""

    async def breaking() -> None:
        troubles = cycle(TROUBLES)
        for turn in cycle(range(4)):
            four[turn].default = Behaviour()  # first: no request may meet four that are broken
            for number, server in enumerate(four):
                server.release()
                if number != turn:
                    server.default = next(troubles)
            await asyncio.sleep(PHASE_SECONDS)

    task = asyncio.create_task(breaking())
    try:
        yield
    finally:
        task.cancel()
        for server in four:
            server.release()


async def _load(
    clients: list[httpx.AsyncClient], key: GivenKey, calls: int
) -> tuple[list[httpx.Response], float]:
    """Make all calls, some at once, spread over the processes; tell how long the longest took."""
    numbers = iter(range(calls))
    replies: list[httpx.Response] = []
    longest = 0.0

    async def work() -> None:
        nonlocal longest
        for number in numbers:
            body = STREAM if number % 5 == 0 else CALL
            client = clients[number % len(clients)]
            began = time.monotonic()
            reply = await client.post(CHAT, json=body, headers=key.headers)
            longest = max(longest, time.monotonic() - began)
            replies.append(reply)

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return replies, longest


async def _costs_are_exact(
    gateway: Gateway, key: GivenKey, served: list[httpx.Response], calls: int
) -> None:
    """Compare what the answers say they used with the ledger and with the budget's counter."""
    async with asyncio.timeout(60):
        while (await counter(gateway, f"budget:key:{key.hash}:-"))["reserved"] != "0":  # noqa: ASYNC110 - it is polled
            await asyncio.sleep(0.05)
    rows = await ledger(gateway, calls)
    told = sum(_cost(reply) for reply in served)
    spent = sum(int(row["spend"]) for row in rows)
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert calls == len({row["id"] for row in rows})
    assert (told, str(spent), "0") == (spent, budget["spent"], budget["reserved"])


def _cost(reply: httpx.Response) -> int:
    """Tell by its usage what an answer costs; a stream has it in its last chunk."""
    if reply.headers["content-type"] == "application/json":
        usage = reply.json()["usage"]
    else:
        *_, last, _ = [line for line in reply.text.splitlines() if line.startswith("data: ")]
        usage = orjson.loads(last.removeprefix("data: "))["usage"]
    return price_of(usage["prompt_tokens"], usage["completion_tokens"])
