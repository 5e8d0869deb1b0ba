"""What holds when a peer dies, stalls or lies, and when this process was frozen meanwhile."""

from __future__ import annotations

import asyncio
import socket
import sys
import time
from typing import TYPE_CHECKING

import pytest

from shared.errors import TransportFailed
from shared.transport.lines import _open_socket
from tests.transport.asking import (
    FIRST_BYTE_SOON,
    PART,
    body_of,
    closed_by_the_client,
    post,
)
from tests.transport.peers import (
    OK,
    Peer,
    answer_all,
    answer_once,
    freeze_until_the_last_is_closed,
    peer,
)

if TYPE_CHECKING:
    from shared.transport.client import Client
    from tests.transport.peers import Connection


@pytest.mark.parametrize("ending", ["fin", "rst"])
async def test_a_connection_closed_while_we_were_frozen_is_not_used(
    client: Client, ending: str
) -> None:
    def behave(this: Peer, connection: Connection) -> None:
        this.requests.append(connection.request())
        connection.send(OK)
        connection.cue.wait(5)
        getattr(connection, ending)()

    with peer(behave) as it:
        for _ in range(20):
            assert b"ok" == await body_of(client, it)
            freeze_until_the_last_is_closed(it)

    assert (20, 20) == (it.opened, len(it.requests))


async def test_all_of_fifty_connections_may_close_while_we_were_frozen(client: Client) -> None:
    with peer(answer_all) as it:
        await asyncio.gather(*(body_of(client, it) for _ in range(50)))
        before = it.opened
        for connection in it.connections:
            connection.fin()
        time.sleep(0.05)  # noqa: ASYNC251 - frozen, on purpose
        bodies = await asyncio.gather(*(body_of(client, it) for _ in range(50)))

    assert [b"ok"] * 50 == bodies
    assert it.opened > before


@pytest.mark.parametrize("ending", ["fin", "rst"])
async def test_a_kept_connection_that_dies_unheard_is_tried_once_more_on_a_fresh_one(
    client: Client, ending: str
) -> None:
    def behave(this: Peer, connection: Connection) -> None:
        this.requests.append(connection.request())
        connection.send(OK)
        if connection.number > 1:
            return answer_all(this, connection)
        this.requests.append(connection.request())
        getattr(connection, ending)()
        return None

    with peer(behave) as it:
        bodies = [await body_of(client, it), await body_of(client, it)]

    assert ([b"ok", b"ok"], 2, 3) == (bodies, it.opened, len(it.requests))


async def test_the_second_try_is_the_last(client: Client) -> None:
    def behave(this: Peer, connection: Connection) -> None:
        this.requests.append(connection.request())
        if connection.number == 1:
            connection.send(OK)
            this.requests.append(connection.request())
        connection.fin()

    with peer(behave) as it:
        await body_of(client, it)
        with pytest.raises(TransportFailed) as failed:
            await post(client, it)

    assert ("reset", 3) == (failed.value.phase, len(it.requests))


@pytest.mark.parametrize("ending", ["fin", "rst"])
async def test_a_fresh_connection_that_dies_is_not_tried_again(client: Client, ending: str) -> None:
    with peer(answer_once(b"", then=ending)) as it, pytest.raises(TransportFailed) as failed:
        await post(client, it)

    assert ("reset", 1) == (failed.value.phase, len(it.requests))


@pytest.mark.parametrize("ending", ["fin", "rst"])
@pytest.mark.parametrize("said", [b"H", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_kept_connection_that_said_anything_is_not_tried_again(
    client: Client, ending: str, said: bytes
) -> None:
    def behave(this: Peer, connection: Connection) -> None:
        this.requests.append(connection.request())
        connection.send(OK)
        this.requests.append(connection.request())
        connection.send(said)
        time.sleep(0.05)
        getattr(connection, ending)()

    with peer(behave) as it:
        await body_of(client, it)
        with pytest.raises(TransportFailed) as failed:
            await post(client, it)

    assert ("reset", 2) == (failed.value.phase, len(it.requests))


async def test_after_a_silent_kept_connection_its_idle_siblings_are_not_trusted(
    client: Client,
) -> None:
    def answer_once_then_fall_silent(this: Peer, connection: Connection) -> None:
        this.requests.append(connection.request())
        connection.send(OK)
        connection.wait_until_the_client_leaves()

    with peer(answer_once_then_fall_silent) as it:
        await asyncio.gather(*(body_of(client, it) for _ in range(10)))
        with pytest.raises(TransportFailed):
            await post(client, it, FIRST_BYTE_SOON)
        body = await body_of(client, it)

    assert (b"ok", 11) == (body, it.opened)


@pytest.mark.parametrize("late", [b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", b"x"])
async def test_bytes_nobody_asked_for_never_answer_the_next_request(
    client: Client, late: bytes
) -> None:
    def behave(this: Peer, connection: Connection) -> None:
        this.requests.append(connection.request())
        connection.send(OK)
        if connection.number == 1:
            time.sleep(0.02)
            connection.send(late)
        connection.wait_until_the_client_leaves()

    with peer(behave) as it:
        await body_of(client, it)
        await closed_by_the_client(it)
        body = await body_of(client, it)

    assert (b"ok", 2) == (body, it.opened)


async def test_bytes_nobody_asked_for_are_seen_even_if_we_were_frozen(client: Client) -> None:
    def behave(this: Peer, connection: Connection) -> None:
        this.requests.append(connection.request())
        connection.send(OK)
        connection.cue.wait(5)
        connection.send(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
        connection.left.set()
        connection.wait_until_the_client_leaves()

    with peer(behave) as it:
        first = await body_of(client, it)
        it.connections[0].cue.set()
        it.connections[0].left.wait(5)
        second = await body_of(client, it)

    assert (b"ok", b"ok", 2) == (first, second, it.opened)


@pytest.mark.parametrize("ending", ["fin", "rst"])
@pytest.mark.parametrize(
    "answer",
    [PART, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\npart"],
    ids=["length", "chunked"],
)
async def test_a_body_that_breaks_off_is_told_from_a_whole_one(
    client: Client, answer: bytes, ending: str
) -> None:
    with peer(answer_once(answer, then=ending)) as it, pytest.raises(TransportFailed) as failed:
        await body_of(client, it)

    assert "reset" == failed.value.phase


async def test_a_body_without_length_that_is_reset_is_told_from_a_whole_one(
    client: Client,
) -> None:
    def part_then_reset(_: Peer, connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.0 200 OK\r\n\r\npart")
        connection.left.wait(0.1)
        connection.rst()

    with peer(part_then_reset) as it, pytest.raises(TransportFailed) as failed:
        await body_of(client, it)

    assert "reset" == failed.value.phase


async def test_chunks_come_as_they_are_sent(client: Client) -> None:
    def one_at_a_time(_: Peer, connection: Connection) -> None:
        connection.request()
        connection.send(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        for _round in range(3):
            connection.send(b"3\r\none\r\n")
            connection.left.wait(5)
            connection.left.clear()
        connection.send(b"0\r\n\r\n")

    seen: list[bytes] = []
    with peer(one_at_a_time) as it:
        response = await post(client, it)
        async for chunk in response.chunks():
            seen.append(chunk)
            it.connections[0].left.set()

    assert [b"one"] * 3 == seen


async def test_leaving_the_chunks_early_closes_the_connection(client: Client) -> None:
    with peer(answer_once(PART)) as it:
        chunks = (await post(client, it)).chunks()
        await anext(chunks)
        await chunks.aclose()

        assert await closed_by_the_client(it)


async def test_closing_a_response_closes_its_connection(client: Client) -> None:
    with peer(answer_once(PART)) as it:
        response = await post(client, it)
        await response.close()

        assert await closed_by_the_client(it)


async def test_a_cancelled_send_closes_its_socket(client: Client) -> None:
    with peer(answer_once(b"")) as it:
        sending = asyncio.create_task(post(client, it))
        await asyncio.to_thread(it.asked.wait, 5)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

        assert await closed_by_the_client(it)


async def test_a_send_cancelled_before_it_was_sent_costs_the_kept_connection(
    client: Client,
) -> None:
    with peer(answer_all) as it:
        await body_of(client, it)
        sending = asyncio.create_task(post(client, it))
        await asyncio.sleep(0)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        left = await closed_by_the_client(it)

        assert (True, 1, b"ok") == (left, len(it.requests), await body_of(client, it))


@pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")
def test_a_silent_network_is_given_up_by_the_kernel() -> None:
    with _open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 0))) as opened:
        timeout = opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

    assert 3000 == timeout


async def test_a_cancelled_read_closes_its_socket(client: Client) -> None:
    with peer(answer_once(PART)) as it:
        reading = asyncio.create_task((await post(client, it)).read(100))
        await asyncio.sleep(0)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading

        assert await closed_by_the_client(it)


async def test_a_timeout_of_the_caller_stays_the_callers(client: Client) -> None:
    with peer(answer_once(b"")) as it, pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await post(client, it)


async def test_a_slow_reader_holds_the_sender_back(client: Client) -> None:
    sent = 0

    def flood(_: Peer, connection: Connection) -> None:
        nonlocal sent
        connection.request()
        connection.send(b"HTTP/1.0 200 OK\r\n\r\n")
        connection.socket.settimeout(0.2)
        try:
            for _round in range(1000):
                connection.socket.sendall(b"x" * 100_000)
                sent += 100_000
        except OSError:
            connection.left.set()

    with peer(flood) as it:
        response = await post(client, it)
        await asyncio.to_thread(it.connections[0].left.wait, 20)
        await response.close()

    assert sent < 50_000_000
