"""Faults the door plays, what it counts, and how both are reached over HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from local.door.app import Door
from local.door.faults import Fault
from local.door.resp import Connection
from local.servers import LOOPBACK
from local.threads import ServerThread
from tests.local.door_calls import post

if TYPE_CHECKING:
    from collections.abc import Iterator

    from upstash_redis.asyncio import Redis

    from local.door.server import DoorThread
    from local.valkey import Valkey


CONTROL = {"Authorization": "Bearer control"}


async def test_calls_are_counted_by_request_and_by_command(
    redis: Redis,
    door: DoorThread,
) -> None:
    pipeline = redis.pipeline()
    pipeline.set("a", "1")
    pipeline.get("a")
    await pipeline.exec()
    await redis.get("a")

    assert (2, {"SET": 1, "GET": 2}) == (door.calls.http, dict(door.calls.by_command))


@pytest.mark.parametrize(("kind", "status"), [("status_429", 429), ("status_500", 500)])
async def test_fault_answers_once_with_a_status(
    http: aiohttp.ClientSession,
    door: DoorThread,
    kind: str,
    status: int,
) -> None:
    door.faults.add(kind)  # pyright: ignore[reportArgumentType] - a parameter of the test

    first, _ = await post(http, "/", json=["INCR", "n"])

    assert (status, (200, {"result": 1})) == (first, await post(http, "/", json=["INCR", "n"]))


async def test_fault_can_be_a_web_page(http: aiohttp.ClientSession, door: DoorThread) -> None:
    door.faults.add("html_502")

    async with http.post("/", json=["PING"]) as reply:
        assert (502, "text/html") == (reply.status, reply.content_type)


@pytest.mark.parametrize(
    ("kind", "done"),
    [("refuse", None), ("drop_before", None), ("drop_after", "1")],
)
async def test_cut_connection_loses_the_call_or_only_its_reply(
    http: aiohttp.ClientSession,
    door: DoorThread,
    kind: str,
    done: str | None,
) -> None:
    door.faults.add(kind, times=2)  # pyright: ignore[reportArgumentType] - a parameter of the test

    with pytest.raises(aiohttp.ClientError):  # POST: aiohttp does not repeat it
        await post(http, "/", json=["INCR", "n"])

    door.faults.clear()
    assert (200, {"result": done}) == await post(http, "/get/n")


async def test_half_a_pipeline_is_executed(http: aiohttp.ClientSession, door: DoorThread) -> None:
    door.faults.add("half_pipeline")

    with pytest.raises(aiohttp.ClientError):
        await post(http, "/pipeline", json=[["INCR", "a"], ["INCR", "b"]])

    assert (200, {"result": ["1", None]}) == await post(http, "/mget/a/b")


async def test_slow_call_is_served_in_the_end(
    http: aiohttp.ClientSession, door: DoorThread
) -> None:
    door.faults.add("slow", seconds=0.05)

    assert (200, {"result": 1}) == await post(http, "/", json=["INCR", "n"])


async def test_fault_strikes_only_the_command_it_names(
    http: aiohttp.ClientSession,
    door: DoorThread,
) -> None:
    door.faults.add("status_500", command="eval")

    spared, _ = await post(http, "/ping")
    struck, _ = await post(http, "/", json=["EVAL", "return 1", 0])

    assert (200, 500) == (spared, struck)


async def test_chance_fails_some_calls(http: aiohttp.ClientSession, door: DoorThread) -> None:
    door.faults.add("status_500", times=None, probability=0.5)

    statuses = [(await post(http, "/ping"))[0] for _ in range(100)]

    assert 20 < statuses.count(500) < 80


def test_unknown_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="there are"):
        Fault(kind="explode")  # pyright: ignore[reportArgumentType] - the mistake under test


async def test_stopped_door_refuses_and_started_again_serves(
    http: aiohttp.ClientSession,
    door: DoorThread,
) -> None:
    await asyncio.to_thread(door.stop)
    with pytest.raises(aiohttp.ClientConnectorError):
        await post(http, "/ping")

    door.start()

    assert (200, {"result": "PONG"}) == await post(http, "/ping")


@pytest.fixture
def controlled(valkey: Valkey) -> Iterator[ServerThread]:
    connection = Connection(LOOPBACK, valkey.port, valkey.password)

    class Server(ServerThread):
        def close(self) -> None:
            connection.close()

    server = Server(Door(connection, "token", control_token="control"))
    server.start()
    yield server
    server.stop()


async def test_faults_and_counters_are_reached_over_http(controlled: ServerThread) -> None:
    async with aiohttp.ClientSession(controlled.url) as http:
        await post(http, "/_control/faults", json={"kind": "status_500"}, headers=CONTROL)
        struck, _ = await post(http, "/ping?_token=token")
        spared, _ = await post(http, "/ping?_token=token")
        async with http.get("/_control/calls", headers=CONTROL) as reply:
            calls = await reply.json()

    assert (500, 200, {"http": 2, "by_command": {"PING": 2}}) == (struck, spared, calls)


async def test_control_needs_its_own_token(controlled: ServerThread) -> None:
    async with aiohttp.ClientSession(controlled.url) as http:
        headers = {"Authorization": "Bearer token"}
        status, _ = await post(http, "/_control/faults", json={}, headers=headers)

    assert 401 == status


async def test_there_is_no_control_without_a_control_token(http: aiohttp.ClientSession) -> None:
    status, told = await post(http, "/_control/faults", json={"kind": "status_500"})

    assert (400, True) == (status, isinstance(told, dict) and "unknown command" in told["error"])
