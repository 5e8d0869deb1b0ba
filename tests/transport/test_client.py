from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from shared.domain import HttpRequest, Timeouts
from shared.errors import TransportFailed
from shared.transport.client import Client

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
QUICK = Timeouts(connect=2, first_byte=0.2, between_bytes=0.2, total=5)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    client = Client()
    yield client
    await client.close()


@asynccontextmanager
async def serving(peer: Peer) -> AsyncIterator[str]:
    server = await asyncio.start_server(peer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/x"
    finally:
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None


async def answer_every_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nX-Kind: echo\r\ncontent-length: 2\r\n\r\nok")
    except asyncio.IncompleteReadError:
        writer.close()


async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def test_an_answer_has_status_lower_case_headers_and_body(client: Client) -> None:
    async with serving(answer_every_request) as url:
        response = await client.send(HttpRequest("GET", url, {}), QUICK)
        body = await response.read(cap=10)

    assert (response.status, response.headers["x-kind"], body) == (200, "echo", b"ok")


async def test_a_silent_peer_is_left_after_the_first_byte_timeout(client: Client) -> None:
    async with serving(say_nothing) as url:
        with pytest.raises(TransportFailed) as failed:
            await client.send(HttpRequest("GET", url, {}), QUICK)

    assert failed.value.phase == "first_byte"


async def test_nobody_listening_is_a_failed_connect(client: Client) -> None:
    with pytest.raises(TransportFailed) as failed:
        await client.send(HttpRequest("GET", "http://127.0.0.1:9/", {}), QUICK)

    assert failed.value.phase == "connect"
