"""Nobody waits for a store that is known to be silent, and it is noticed when it is back."""

from __future__ import annotations

import asyncio
import socket
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from shared.errors import PostgresDown, RedisDown
from shared.settings import Settings
from shared.storage import breaker as breakers
from shared.storage.breaker import Breaker
from shared.storage.postgres import Postgres
from shared.storage.redis import Redis
from shared.storage.scripts import script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from local.door.server import DoorThread
    from shared.transport.client import Client

TRY_SECONDS = 0.2
TRIM = script("trim"), ["ledger:0", "ledger:0:position"], ["1-1"]


class Time:
    """A clock that stands until a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    clock = Time()
    monkeypatch.setattr(breakers, "time", clock)
    return clock


@pytest.fixture
def hasty(door: DoorThread, http: Client) -> Redis:
    return Redis(http, door.url, door.token, try_seconds=TRY_SECONDS)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port where somebody listens who never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def test_a_silent_store_is_left_alone_once_its_patience_is_over(clock: Time) -> None:
    assert clock.now
    breaker = Breaker(patience=1, rest=5)

    breaker.waited_in_vain(0.6)
    before = breaker.lets_through()
    breaker.waited_in_vain(0.6)

    assert (True, False) == (before, breaker.lets_through())


def test_an_answer_restores_all_patience(clock: Time) -> None:
    assert clock.now
    breaker = Breaker(patience=1, rest=5)

    for _ in range(10):
        breaker.waited_in_vain(0.9)
        breaker.answered()

    assert breaker.lets_through()


def test_after_each_rest_one_tries(clock: Time) -> None:
    breaker = Breaker(patience=1, rest=5)
    breaker.waited_in_vain(2)
    tries: list[list[bool]] = []

    for _ in range(2):
        clock.now += 5
        tries.append([breaker.lets_through() for _ in range(3)])
        breaker.waited_in_vain(1)

    assert [[True, False, False]] * 2 == tries


def test_the_one_who_finds_it_back_lets_all_others_through(clock: Time) -> None:
    breaker = Breaker(patience=1, rest=5)
    breaker.waited_in_vain(2)
    clock.now += 5
    breaker.lets_through()

    breaker.answered()

    assert all(breaker.lets_through() for _ in range(3))


async def test_an_operation_takes_one_budget_and_the_next_ones_nothing(
    door: DoorThread, hasty: Redis
) -> None:
    door.faults.add("slow", times=None, seconds=30)
    began = time.monotonic()
    with pytest.raises(RedisDown):
        await hasty.run(*TRIM)
    first = time.monotonic() - began
    asked = door.calls.http

    began = time.monotonic()
    for _ in range(20):
        with pytest.raises(RedisDown, match="lately") as refused:
            await hasty.run(*TRIM)
        assert not refused.value.may_have_happened
    others = time.monotonic() - began

    assert asked == door.calls.http
    assert others < first


async def test_redis_is_asked_again_and_then_by_all(
    door: DoorThread, hasty: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.faults.add("slow", times=2, seconds=30)
    with pytest.raises(RedisDown):
        await hasty.run(*TRIM)
    later = time.monotonic() + 10**6
    monkeypatch.setattr(breakers, "time", SimpleNamespace(monotonic=lambda: later))

    replies = [await hasty.run(*TRIM) for _ in range(3)]

    assert [0, 0, 0] == replies


@pytest.mark.parametrize("kind", ["refuse", "status_429", "status_500", "html_502", "drop_before"])
async def test_a_redis_that_refuses_at_once_is_asked_every_time(
    door: DoorThread, hasty: Redis, kind: str
) -> None:
    door.faults.add(kind, times=None)  # pyright: ignore[reportArgumentType] - one of the kinds
    for _ in range(10):
        with pytest.raises(RedisDown):
            await hasty.run(*TRIM)

    door.faults.clear()

    assert 0 == await hasty.run(*TRIM)


async def test_a_silent_postgres_is_waited_for_twice_and_then_no_more(silent_port: int) -> None:
    url = f"postgresql://nobody@127.0.0.1:{silent_port}/nothing"
    database = Postgres(Settings(master_key="sk-m", database_url=url, max_postgres_connections=4))
    began = time.monotonic()
    silences = await asyncio.gather(
        *(database.one("select 1") for _ in "12"), return_exceptions=True
    )
    first = time.monotonic() - began

    began = time.monotonic()
    async with asyncio.timeout(first):
        for _ in range(20):
            with pytest.raises(PostgresDown, match="lately"):
                await database.one("select 1")

    assert time.monotonic() - began < first
    assert [PostgresDown, PostgresDown] == [type(each).__base__ for each in silences]
    await database.close()
