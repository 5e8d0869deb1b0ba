"""The guarded client when Redis, or the way to it, fails."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from shared.errors import RedisDown
from shared.storage.admission import Held, admit, settle
from shared.storage.attempts import attempt
from shared.storage.plans import Outcome
from shared.storage.redis import Redis, RedisRefused
from shared.storage.scripts import Script, script
from shared.transport.client import Client
from tests.storage.given import (
    SINCE,
    TimedRedis,
    budget,
    candidate,
    counter,
    everything,
    given_counter,
    given_hold,
    hash_of,
    lease,
    ledger,
    plan,
    rate,
    settlement,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

    from local.door.faults import Kind
    from local.door.server import DoorThread
    from local.valkey import Valkey
    from shared.storage.plans import Plan
    from shared.storage.redis import Runs

COUNT = Script.of("count", "return redis.call('INCR', KEYS[1])")
OUTAGES: list[Kind] = ["refuse", "status_429", "status_500", "html_502", "drop_before"]
LOST_REPLY: Kind = "drop_after"


@pytest.fixture
def hasty(door: DoorThread, http: Client) -> Redis:
    """A client that waits as short as a function does."""
    return Redis(http, door.url, door.token, try_seconds=0.25)


@pytest.mark.parametrize("kind", [*OUTAGES, LOST_REPLY])
async def test_every_outage_is_redis_down_after_one_try(
    door: DoorThread, unconnected: Redis, kind: Kind
) -> None:
    door.faults.add(kind, times=None)

    with pytest.raises(RedisDown):
        await unconnected.execute(["INCR", "n"])

    door.faults.clear()
    assert ("1" if kind == LOST_REPLY else None) == await unconnected.execute(["GET", "n"])


@pytest.mark.parametrize("kind", [*OUTAGES, LOST_REPLY])
async def test_an_outage_ends_a_script_after_two_tries(
    door: DoorThread, redis: Redis, unconnected: Redis, kind: Kind
) -> None:
    await redis.run(COUNT, ["n"], [])
    door.faults.add(kind, times=None)

    with pytest.raises(RedisDown):
        await unconnected.run(COUNT, ["n"], [])

    door.faults.clear()
    assert ("3" if kind == LOST_REPLY else "1") == await redis.execute(["GET", "n"])


@pytest.fixture
async def unconnected(door: DoorThread) -> AsyncIterator[Redis]:
    """A client without a kept connection: one that dies unheard would be tried once more."""
    http = Client()
    yield Redis(http, door.url, door.token, try_seconds=10)
    await http.close()


@pytest.mark.parametrize("kind", OUTAGES)
async def test_a_script_is_tried_once_more(door: DoorThread, redis: Redis, kind: Kind) -> None:
    door.faults.add(kind, times=1)

    assert 1 == await redis.run(COUNT, ["n"], [])


@pytest.mark.parametrize("times", [1, None])
async def test_silence_is_redis_down_and_the_next_call_is_served(
    door: DoorThread, hasty: Redis, redis: Redis, times: int | None
) -> None:
    door.faults.add("slow", times=times, seconds=30)

    with pytest.raises(RedisDown):
        await hasty.execute(["INCR", "n"])

    door.faults.clear()
    assert "PONG" == await redis.execute(["PING"])


async def test_a_slow_reply_in_time_is_a_reply(door: DoorThread, redis: Redis) -> None:
    door.faults.add("slow", seconds=0.05)

    assert "PONG" == await redis.execute(["PING"])


async def test_a_closed_port_is_redis_down(http: Client, unused_tcp_port: int) -> None:
    redis = Redis(http, f"http://127.0.0.1:{unused_tcp_port}", "t", try_seconds=5)

    with pytest.raises(RedisDown):
        await redis.execute(["PING"])


@pytest.mark.parametrize("token", ["", "wrong", "test-token-and-more"])
async def test_a_wrong_token_is_redis_down(door: DoorThread, http: Client, token: str) -> None:
    redis = Redis(http, door.url, token, try_seconds=10)

    with pytest.raises(RedisDown, match="401: WRONGPASS"):
        await redis.execute(["PING"])


async def test_what_is_wrong_with_a_command_is_refused(redis: Redis) -> None:
    await redis.execute(["SET", "text", "x"])

    with pytest.raises(RedisRefused, match="WRONGTYPE"):
        await redis.execute(["HGETALL", "text"])
    with pytest.raises(RedisRefused, match="unknown command"):
        await redis.execute(["NOSUCHCOMMAND"])


async def test_an_error_in_a_script_is_refused_and_not_repeated(
    door: DoorThread, redis: Redis
) -> None:
    wrong = Script.of("wrong", "redis.call('INCR', KEYS[1]) return redis.call('HGETALL', KEYS[1])")

    with pytest.raises(RedisRefused, match="WRONGTYPE"):
        await redis.run(wrong, ["n"], [])

    assert "1" == await redis.execute(["GET", "n"])
    assert (1, 1) == (door.calls.by_command["EVALSHA"], door.calls.by_command["EVAL"])


@pytest.mark.parametrize(
    "message",
    [
        "OOM command not allowed when used memory > 'maxmemory'.",
        "READONLY You can't write against a read only replica.",
        "LOADING Redis is loading the dataset in memory",
        "BUSY Redis is busy running a script.",
        "ERR max daily request limit exceeded. Limit: 10000, Usage: 10001.",
        "ERR max requests limit exceeded. Limit: 500000, Usage: 500000.",
    ],
)
@pytest.mark.parametrize("status", [200, 400])
async def test_an_error_that_is_not_about_the_command_is_redis_down(
    http: Client, status: int, message: str
) -> None:
    body = b'{"error":"%s"}' % message.encode()

    async with answering(http, status, body) as redis:
        with pytest.raises(RedisDown):
            await redis.execute(["PING"])


async def test_memory_that_ran_out_is_redis_down_and_settles_nothing(
    redis: Redis, valkey: Valkey
) -> None:
    await given_counter(redis)
    held = await given_hold(redis, plan(budgets=[budget()], reservation=5))
    before = await everything(redis)
    valkey._ask("CONFIG SET maxmemory 1")
    try:
        with pytest.raises(RedisDown, match="OOM"):
            await settle(redis, held, settlement(3))
    finally:
        valkey._ask("CONFIG SET maxmemory 0")

    assert before == await everything(redis)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"result":"PO',
        b"<html>502</html>",
        b"null",
        b"[]",
        b'"PONG"',
        b'{"error":5}',
        b"\xff\xfe",
        b"{}",
    ],
)
async def test_what_is_not_redis_speaking_is_redis_down(http: Client, body: bytes) -> None:
    async with answering(http, 200, body) as redis:
        with pytest.raises(RedisDown):
            await redis.execute(["PING"])


async def test_half_a_body_is_redis_down(http: Client) -> None:
    async with answering(http, 200, b'{"result":', length=20) as redis:
        with pytest.raises(RedisDown):
            await redis.execute(["PING"])


async def test_a_body_that_stops_halfway_is_redis_down(http: Client) -> None:
    async with answering(http, 200, b'{"result":', length=20, hang=True) as redis:
        with pytest.raises(RedisDown):
            await redis.execute(["PING"])


async def test_a_redirect_is_not_followed(http: Client, door: DoorThread) -> None:
    async with answering(http, 307, b"", headers=f"location: {door.url}/\r\n") as redis:
        with pytest.raises(RedisDown):
            await redis.execute(["PING"])

    assert 0 == door.calls.http


@pytest.mark.parametrize("value", ["", "é✓\n\0", '{"result":1}', '"', "x" * 100_000, "1e999", "-0"])
async def test_any_text_comes_back_as_it_was(redis: Redis, value: str) -> None:
    await redis.execute(["SET", "text", value])

    assert value == await redis.execute(["GET", "text"])


async def test_a_script_that_redis_forgot_is_sent_again(door: DoorThread, redis: Redis) -> None:
    await redis.run(COUNT, ["n"], [])
    await redis.execute(["SCRIPT", "FLUSH"])

    assert 2 == await redis.run(COUNT, ["n"], [])

    assert (2, 2) == (door.calls.by_command["EVALSHA"], door.calls.by_command["EVAL"])


async def test_a_script_that_redis_knows_takes_one_call(door: DoorThread, redis: Redis) -> None:
    await redis.run(COUNT, ["n"], [])
    door.calls.reset()

    await redis.run(COUNT, ["n"], [])

    assert 1 == door.calls.http


async def test_a_cancelled_call_leaves_the_client_fit(door: DoorThread, redis: Redis) -> None:
    door.faults.add("slow", seconds=30)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(redis.execute(["PING"]), 0.05)

    door.faults.clear()  # it may have been cancelled on its way
    assert "PONG" == await redis.execute(["PING"])


FULL = plan(
    "r1",
    budgets=[budget()],
    rates=[rate(rpm=10, tpm=1000)],
    leases=[lease(3)],
    reservation=50,
    tokens=10,
)
FAILED = Outcome("ratelimit:deployment:d1:now", "cooldown:d1", failed=True)


async def _admit(redis: Runs) -> object:
    return await admit(redis, FULL)


async def _attempt(redis: Runs) -> object:
    return await attempt(redis, FULL, FAILED, number=2, candidates=[candidate(80, "d2")])


async def _settle(redis: Runs) -> object:
    return await settle(redis, Held.by(FULL), settlement(30, outcome=FAILED))


@pytest.mark.parametrize("kind", [*OUTAGES, LOST_REPLY])
async def test_a_call_through_one_outage_after_another_counts_once(
    door: DoorThread, timed: TimedRedis, kind: Kind
) -> None:
    await given_counter(timed)
    for step in (_admit, _attempt, _settle):
        await step(timed)
    well = await everything(timed)
    await timed.execute(["DEL", *well])
    await given_counter(timed)

    for step in (_admit, _attempt, _settle):
        door.faults.add(kind, times=1)
        await step(timed)

    through_outages = await everything(timed)
    del well["ledger:0"], through_outages["ledger:0"]  # ids of entries are times
    assert well == through_outages
    assert ["30"] == [row["spend"] for row in await ledger(timed)]


@pytest.mark.parametrize("kind", [*OUTAGES, LOST_REPLY])
async def test_random_outages_double_count_nothing(
    door: DoorThread, redis: Redis, kind: Kind
) -> None:
    await given_counter(redis)
    door.faults.add(kind, times=None, probability=0.3)

    admitted = await asyncio.gather(
        *(_until_answered(_serve_one, redis, f"r{i}") for i in range(60))
    )

    door.faults.clear()
    rows = await ledger(redis)
    assert 60 == len(admitted) == len(rows) == len({row["id"] for row in rows})
    assert (SINCE, 60 * 3, 0) == await counter(redis)
    assert "60" == (await hash_of(redis, "ratelimit:key:k1:now"))["requests"]
    assert not {"holds:0", "parallel:key:k1"} & (await everything(redis)).keys()


async def _serve_one(redis: Redis, request_id: str) -> None:
    call: Plan = plan(
        request_id,
        budgets=[budget()],
        rates=[rate(rpm=100)],
        leases=[lease(100)],
        reservation=50,
        tokens=7,
    )
    await given_hold(redis, call)
    await settle(redis, Held.by(call), settlement(3))


async def _until_answered(
    work: Callable[[Redis, str], Awaitable[None]], redis: Redis, request_id: str
) -> None:
    while True:
        try:
            return await work(redis, request_id)
        except RedisDown:
            continue


@asynccontextmanager
async def answering(
    http: Client,
    status: int,
    body: bytes,
    *,
    length: int | None = None,
    hang: bool = False,
    headers: str = "",
) -> AsyncGenerator[Redis]:
    """Serve every request with these bytes, whatever it asks."""
    done = asyncio.Event()
    head = f"HTTP/1.1 {status} X\r\ncontent-length: {len(body) if length is None else length}\r\n"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"{head}{headers}\r\n".encode() + body)
        if hang:
            await done.wait()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield Redis(http, f"http://127.0.0.1:{port}", "t", try_seconds=0.5 if hang else 10)
    finally:
        done.set()
        server.close()
        await server.wait_closed()


def test_includes_stand_in_place_of_their_lines() -> None:
    settle_script = script("settle")

    assert "-- include" not in settle_script.source
    assert "local function book_outcome" in settle_script.source
