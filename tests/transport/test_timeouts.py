"""Every wait ends when its time is up, and says which one it was."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from shared.domain import HttpRequest, Timeouts
from shared.errors import TransportFailed
from tests.transport.asking import (
    BETWEEN_BYTES_SOON,
    FIRST_BYTE_SOON,
    PART,
    TOTAL_SOON,
    body_of,
    closed_by_the_client,
    post,
)
from tests.transport.peers import Peer, answer_once, peer

if TYPE_CHECKING:
    from shared.transport.client import Client
    from tests.transport.peers import Connection


async def test_a_silent_peer_is_left_at_the_first_byte_timeout(client: Client) -> None:
    with peer(answer_once(b"")) as it:
        with pytest.raises(TransportFailed) as failed:
            await post(client, it, FIRST_BYTE_SOON)

        assert await closed_by_the_client(it)

    assert "first_byte" == failed.value.phase


async def test_half_a_head_is_left_at_the_first_byte_timeout(client: Client) -> None:
    with peer(answer_once(b"HTTP/1.1 200 OK\r\n")) as it, pytest.raises(TransportFailed) as failed:
        await post(client, it, FIRST_BYTE_SOON)

    assert "first_byte" == failed.value.phase


async def test_a_peer_that_never_accepts_is_left_at_the_connect_timeout(client: Client) -> None:
    unroutable = Peer("http://192.0.2.1/")
    soon = Timeouts(connect=0.1, first_byte=5, between_bytes=5, total=10)

    with pytest.raises(TransportFailed) as failed:
        await post(client, unroutable, soon)

    assert "connect" == failed.value.phase


async def test_a_peer_that_reads_nothing_is_left_at_the_first_byte_timeout(client: Client) -> None:
    def never_read(_: Peer, connection: Connection) -> None:
        connection.left.wait(5)

    with peer(never_read) as it:
        with pytest.raises(TransportFailed) as failed:
            await client.send(HttpRequest("POST", it.url, {}, b"x" * 20_000_000), FIRST_BYTE_SOON)
        for connection in it.connections:
            connection.left.set()

    assert "first_byte" == failed.value.phase


async def test_a_body_that_stalls_is_left_at_the_between_bytes_timeout(client: Client) -> None:
    with peer(answer_once(PART)) as it:
        with pytest.raises(TransportFailed) as failed:
            await body_of(client, it, FIRST_BYTE_SOON)

        assert await closed_by_the_client(it)

    assert "between_bytes" == failed.value.phase


async def test_the_first_byte_of_the_body_may_take_as_long_as_the_head(client: Client) -> None:
    def think_first(_: Peer, connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n")
        time.sleep(0.3)
        connection.send(b"ok")
        connection.wait_until_the_client_leaves()

    with peer(think_first) as it:
        assert b"ok" == await body_of(client, it, BETWEEN_BYTES_SOON)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"])
async def test_a_peer_that_drips_for_ever_is_left_at_the_total_timeout(
    client: Client, head: bytes
) -> None:
    def drip(_: Peer, connection: Connection) -> None:
        connection.request()
        connection.send(head or b"HTTP/1.1 200 OK\r\nx: ")
        while not connection.left.wait(0.01):
            connection.socket.sendall(b"y")

    with peer(drip) as it, pytest.raises(TransportFailed) as failed:
        await body_of(client, it, TOTAL_SOON)

    assert "total" == failed.value.phase
