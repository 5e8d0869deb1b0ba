"""Both stores for real, and the directories of as many processes as a test wants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.settings import Settings
from shared.storage.stores import Stores

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.door.server import DoorThread

MASTER_KEY = "sk-master-of-the-tests"


@pytest.fixture
def settings(postgres_dsn: str, door: DoorThread) -> Settings:
    return Settings(
        master_key=MASTER_KEY,
        database_url=postgres_dsn,
        redis_url=door.url,
        redis_token=door.token,
        redis_try_seconds=5,
    )


@pytest.fixture
async def stores(settings: Settings) -> AsyncIterator[Stores]:
    stores = Stores.open(settings)
    yield stores
    await stores.close()
