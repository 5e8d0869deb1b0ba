"""Ask a peer, patiently or not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shared.domain import HttpRequest, Timeouts

if TYPE_CHECKING:
    from shared.transport.client import Client, Response
    from tests.transport.peers import Peer

PATIENT = Timeouts(connect=5, first_byte=5, between_bytes=5, total=10)
FIRST_BYTE_SOON = Timeouts(connect=5, first_byte=0.1, between_bytes=0.1, total=10)
BETWEEN_BYTES_SOON = Timeouts(connect=5, first_byte=5, between_bytes=0.1, total=10)
TOTAL_SOON = Timeouts(connect=5, first_byte=5, between_bytes=5, total=0.2)
PART = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\npart"


async def post(client: Client, it: Peer, timeouts: Timeouts = PATIENT) -> Response:
    return await client.send(HttpRequest("POST", it.url, {}, b"{}"), timeouts)


async def body_of(client: Client, it: Peer, timeouts: Timeouts = PATIENT) -> bytes:
    return await (await post(client, it, timeouts)).read(1_000_000)


async def closed_by_the_client(it: Peer) -> bool:
    return await asyncio.to_thread(it.connections[-1].left.wait, 5)
