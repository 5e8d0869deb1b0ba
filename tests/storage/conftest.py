"""The guarded Redis client against the real door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.storage.redis import Redis
from shared.transport.client import Client
from tests.storage.given import NOW_US, TimedRedis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.door.server import DoorThread


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[Client]:
    client = Client()
    yield client
    await client.close()


@pytest.fixture
def redis(door: DoorThread, http: Client) -> Redis:
    """A patient client: the machine of a test run may be busy."""
    return Redis(http, door.url, door.token, try_seconds=10)


@pytest.fixture
async def timed(redis: Redis) -> TimedRedis:
    """The same, whose clock stands still until a test sets it."""
    timed = TimedRedis(redis)
    await timed.set_time(NOW_US)
    return timed
