"""The Redis door as its clients meet it: the client of production, and bare HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp
import pytest
from upstash_redis.asyncio import Redis

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.door.server import DoorThread


@pytest.fixture
async def redis(door: DoorThread) -> AsyncIterator[Redis]:
    async with Redis(door.url, door.token, rest_retries=0) as redis:
        yield redis


@pytest.fixture
async def http(door: DoorThread) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {door.token}"}
    async with aiohttp.ClientSession(door.url, headers=headers) as session:
        yield session
