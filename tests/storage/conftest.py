"""The guarded Redis client against the real door, and builders of plans."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.storage.redis import Redis
from shared.transport.client import Client

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
    return Redis(http, door.url, door.token, try_seconds=2)
