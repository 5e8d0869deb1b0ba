"""The admin app over a real Postgres and a real Redis, asked over HTTP as LiteLLM's clients do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from functions.admin.app import make_app
from functions.admin.state import State
from shared.settings import Settings
from tests.admin.asking import MASTER_KEY, Admin

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.door.server import DoorThread


@pytest.fixture
async def admin(postgres_dsn: str, door: DoorThread) -> AsyncIterator[Admin]:
    settings = Settings(
        master_key=MASTER_KEY,
        database_url=postgres_dsn,
        redis_url=door.url,
        redis_token=door.token,
        redis_try_seconds=2.0,
        max_postgres_connections=4,
    )
    state = State.open(settings)
    transport = httpx.ASGITransport(make_app(state))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        yield Admin(http, state, postgres_dsn, door)
    await state.desk.stores.close()
