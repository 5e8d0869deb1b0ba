"""Running functions, and a gate through which a test lets an app go on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from shared.settings import Settings
from shared.storage.stores import Stores
from tests.functions.runtime_api_emulator import PATIENCE, Function, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from local.door.server import DoorThread
    from tests.provider import Provider

MASTER_KEY = "sk-a-master-key-of-more-than-20"
SAMPLE = "tests/functions/sample_handler.handler"


@dataclass
class Gate:
    """The test's end of the connection that a gated route of the sample app opens."""

    port: int
    connected: asyncio.Future[tuple[asyncio.StreamReader, asyncio.StreamWriter]]

    async def say(self, words: bytes) -> None:
        """Let the app take its next steps."""
        (await asyncio.wait_for(self.connected, PATIENCE))[1].write(words)

    async def hear(self) -> bytes:
        """Hear the app out; empty when it closed the gate in silence."""
        reader, _ = await asyncio.wait_for(self.connected, PATIENCE)
        return await asyncio.wait_for(reader.read(), PATIENCE)


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    connected = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda r, w: connected.set_result((r, w)), "127.0.0.1", 0)
    yield Gate(server.sockets[0].getsockname()[1], connected)
    if connected.done():
        connected.result()[1].close()
    server.close()
    await server.wait_closed()


@pytest.fixture(scope="module")
async def buffered() -> AsyncIterator[Function]:
    async with running(SAMPLE) as function:
        yield function


@pytest.fixture(scope="module")
async def streaming() -> AsyncIterator[Function]:
    async with running(SAMPLE, is_streaming=True) as function:
        yield function


@pytest.fixture
def environment(
    door: DoorThread, postgres_dsn: str, provider: Provider, tmp_path: Path
) -> dict[str, str]:
    parameters = {"model": "openai/gpt-4o", "api_base": provider.url, "api_key": "unused"}
    config = {"model_list": [{"model_name": "gpt", "litellm_params": parameters}]}
    (tmp_path / "config.json").write_text(json.dumps(config))
    return {
        "TOLLGATE_MASTER_KEY": MASTER_KEY,
        "TOLLGATE_CONFIG": str(tmp_path / "config.json"),
        "TOLLGATE_REDIS_TRY_MS": "2000",
        "DATABASE_URL": postgres_dsn,
        "UPSTASH_REDIS_REST_URL": door.url,
        "UPSTASH_REDIS_REST_TOKEN": door.token,
    }


@pytest.fixture
async def stores(environment: dict[str, str]) -> AsyncIterator[Stores]:
    stores = Stores.open(Settings.from_environment(environment))
    yield stores
    await stores.close()
