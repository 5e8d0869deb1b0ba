"""The proxy app as clients meet it: over HTTP, on real stores, a fake provider behind it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import httpx
import pytest
import uvicorn

from functions.proxy.app import make_app
from shared.auth.directory import Directory
from shared.config.live import LiveConfig
from shared.gateway.gateway import Gateway
from shared.settings import Settings
from shared.storage.stores import Stores
from tests.gateway.given import MASTER_KEY, Given, model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from local.door.server import DoorThread
    from shared.domain import Json
    from tests.gateway.given import GivenKey
    from tests.provider import Provider


@pytest.fixture
def settings(door: DoorThread, postgres_dsn: str) -> Settings:
    return Settings(
        master_key=MASTER_KEY,
        database_url=postgres_dsn,
        redis_url=door.url,
        redis_token=door.token,
        redis_try_seconds=10,  # a busy machine is no fault
        max_postgres_connections=4,
    )


@pytest.fixture
async def open_gateway(
    settings: Settings, provider: Provider
) -> AsyncIterator[Callable[..., Gateway]]:
    """Open any number of gateways, as that many processes would; all are closed at the end."""
    opened: list[Gateway] = []

    def open_one(*models: Json, **sections: Json) -> Gateway:
        data: Json = {"model_list": list(models or [model("gpt", provider.url)]), **sections}
        stores = Stores.open(settings)
        live = LiveConfig.over(data, settings, stores, {})
        gateway = Gateway(
            settings=settings,
            config=live.current,
            stores=stores,
            directory=Directory(stores),
            live=live,
        )
        opened.append(gateway)
        return gateway

    yield open_one
    for gateway in opened:
        await gateway.close()


@pytest.fixture
def gateway(open_gateway: Callable[..., Gateway]) -> Gateway:
    return open_gateway()


@pytest.fixture
async def given(settings: Settings) -> AsyncIterator[Given]:
    stores = Stores.open(settings)
    yield Given(stores)
    await stores.close()


@pytest.fixture
async def key(given: Given) -> GivenKey:
    return await given.key()


@pytest.fixture
async def serve() -> AsyncIterator[Callable[[Gateway], Awaitable[httpx.AsyncClient]]]:
    """Serve a gateway's app on loopback; return an HTTP client of it."""
    async with contextlib.AsyncExitStack() as stack:

        async def start(gateway: Gateway) -> httpx.AsyncClient:
            url = await stack.enter_async_context(_served(gateway))
            client = httpx.AsyncClient(base_url=url, timeout=120)
            return await stack.enter_async_context(client)

        yield start


@contextlib.asynccontextmanager
async def _served(gateway: Gateway) -> AsyncIterator[str]:
    config = uvicorn.Config(
        make_app(gateway),
        host="127.0.0.1",
        port=0,
        log_level="warning",
        lifespan="off",
        timeout_keep_alive=600,  # or it closes an idle connection just as a slow client takes it
    )
    server = uvicorn.Server(config)
    # The test runner keeps its own signals.
    server.capture_signals = contextlib.nullcontext  # pyright: ignore[reportAttributeAccessIssue]
    ended = asyncio.Event()

    async def until_ended() -> None:
        await server.on_tick(0)
        await ended.wait()  # its own loop looks ten times a second, and every test waits for that

    server.main_loop = until_ended
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells in no other way
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    ended.set()
    await task


@pytest.fixture
def proxy(
    open_gateway: Callable[..., Gateway], serve: Callable[[Gateway], Awaitable[httpx.AsyncClient]]
) -> Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]:
    """Open a gateway for these models and serve it."""

    async def start(*models: Json, **sections: Json) -> tuple[Gateway, httpx.AsyncClient]:
        gateway = open_gateway(*models, **sections)
        return gateway, await serve(gateway)

    return start


@pytest.fixture
async def client(
    gateway: Gateway, serve: Callable[[Gateway], Awaitable[httpx.AsyncClient]]
) -> httpx.AsyncClient:
    return await serve(gateway)
