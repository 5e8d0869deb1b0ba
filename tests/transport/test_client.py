"""What any answer gives: framing, headers, caps, and what the client never does by itself."""

from __future__ import annotations

import asyncio
import gzip
from typing import TYPE_CHECKING

import pytest

from shared.domain import HttpRequest, Timeouts
from shared.errors import TransportFailed
from shared.transport.client import Client
from tests.transport.peers import OK, answer_all, answer_once, peer

if TYPE_CHECKING:
    from tests.transport.peers import Connection, Peer

QUICK = Timeouts(connect=5, first_byte=5, between_bytes=5, total=10)
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def get(client: Client, url: str, cap: int = 1_000_000) -> bytes:
    response = await client.send(HttpRequest("GET", url, {}), QUICK)
    return await response.read(cap)


async def test_an_answer_has_status_lower_case_headers_and_body(client: Client) -> None:
    answer = b"HTTP/1.1 404 Not Found\r\nX-Kind: Echo\r\ncontent-length: 2\r\n\r\nok"

    with peer(answer_once(answer)) as it:
        response = await client.send(HttpRequest("GET", it.url, {}), QUICK)
        body = await response.read(cap=10)

    assert (404, "Echo", b"ok") == (response.status, response.headers["x-kind"], body)


async def test_a_connection_is_kept_for_the_next_request(client: Client) -> None:
    with peer(answer_all) as it:
        for _ in range(5):
            await get(client, it.url)

    assert (1, 5) == (it.opened, len(it.requests))


async def test_concurrent_requests_each_get_their_own_answer(client: Client) -> None:
    def echo(_: Peer, connection: Connection) -> None:
        while request := connection.request():
            number = request.split(b" ")[1].removeprefix(b"/x?")
            head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(number)
            connection.send(head + number)

    with peer(echo) as it:
        bodies = await asyncio.gather(*(get(client, f"{it.url}?{n}") for n in range(200)))

    assert [str(n).encode() for n in range(200)] == bodies


async def test_the_request_carries_only_the_headers_it_must(client: Client) -> None:
    request = HttpRequest("POST", "", {"authorization": "Bearer k", "x-more": "1"}, b"{}")

    with peer(answer_all) as it:
        sent = HttpRequest(request.method, it.url, request.headers, request.body)
        await (await client.send(sent, QUICK)).read(10)

    head = it.requests[0].lower().split(b"\r\n\r\n")[0]
    names = {line.split(b":")[0] for line in head.split(b"\r\n")[1:]}
    expected = b"host accept accept-encoding user-agent authorization x-more content-length".split()
    assert set(expected) == names
    assert b"accept-encoding: identity" in head


async def test_a_large_body_arrives_whole(client: Client) -> None:
    body = bytes(range(256)) * 24_576

    with peer(answer_all) as it:
        response = await client.send(HttpRequest("POST", it.url, {}, body), QUICK)
        await response.read(10)

    assert body == it.requests[0].partition(b"\r\n\r\n")[2]


async def test_an_answer_may_come_before_the_request_is_read(client: Client) -> None:
    def refuse(_: Peer, connection: Connection) -> None:
        connection.socket.recv(100)
        connection.send(b"HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n")
        connection.wait_until_the_client_leaves()

    with peer(refuse) as it:
        response = await client.send(HttpRequest("POST", it.url, {}, b"x" * 6_000_000), QUICK)
        await response.read(10)

    assert 413 == response.status


async def test_a_redirect_is_an_answer_not_an_order(client: Client) -> None:
    answer = b"HTTP/1.1 302 Found\r\nlocation: http://localhost:1/\r\ncontent-length: 0\r\n\r\n"

    with peer(answer_once(answer)) as it:
        response = await client.send(HttpRequest("GET", it.url, {}), QUICK)
        await response.read(10)

    assert 302 == response.status


async def test_a_compressed_answer_is_left_as_it_is(client: Client) -> None:
    body = gzip.compress(b"x" * 100_000)
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(body)

    with peer(answer_once(head + body)) as it:
        assert body == await get(client, it.url)


async def test_cookies_are_not_kept(client: Client) -> None:
    answer = b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n"

    with peer(lambda this, connection: answer_all(this, connection, answer)) as it:
        await get(client, it.url)
        await get(client, it.url)

    assert b"cookie" not in it.requests[1].lower()


async def test_proxies_of_the_environment_are_ignored(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    with peer(answer_all) as it:
        assert b"ok" == await get(client, it.url)


@pytest.mark.parametrize("name", ["x\r\ny", "x"])
async def test_a_header_that_would_split_the_request_is_never_sent(
    client: Client, name: str
) -> None:
    request_headers = {name: "1\r\nhost: elsewhere"}

    with peer(answer_all) as it, pytest.raises(TransportFailed) as failed:
        await client.send(HttpRequest("GET", it.url, request_headers), QUICK)

    assert ("connect", []) == (failed.value.phase, it.requests)


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://localhost/", "http://", "http://[::1/"])
async def test_a_url_that_is_none_is_a_failed_connect(client: Client, url: str) -> None:
    with pytest.raises(TransportFailed) as failed:
        await client.send(HttpRequest("GET", url, {}), QUICK)

    assert "connect" == failed.value.phase


async def test_nobody_listening_is_a_failed_connect_that_names_no_address(client: Client) -> None:
    with pytest.raises(TransportFailed) as failed:
        await client.send(HttpRequest("GET", "http://127.0.0.1:9/secret", {}), QUICK)

    assert "connect" == failed.value.phase
    assert "127.0.0.1" not in failed.value.message


async def test_interim_answers_are_passed_over(client: Client) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"

    with peer(answer_once(interim + OK)) as it:
        assert b"ok" == await get(client, it.url)


async def test_trailers_end_a_chunked_body_and_the_connection_is_kept(client: Client) -> None:
    answer = CHUNKED + b"2;ext=1\r\nok\r\n3\r\nyes\r\n0\r\nx-trailer: 1\r\n\r\n"

    with peer(lambda this, connection: answer_all(this, connection, answer)) as it:
        bodies = [await get(client, it.url), await get(client, it.url)]

    assert ([b"okyes", b"okyes"], 1) == (bodies, it.opened)


async def test_a_body_without_length_ends_with_its_connection(client: Client) -> None:
    with peer(answer_once(b"HTTP/1.0 200 OK\r\n\r\nall of it", then="fin")) as it:
        assert b"all of it" == await get(client, it.url)


async def test_no_content_has_an_empty_body(client: Client) -> None:
    answer = b"HTTP/1.1 204 No Content\r\n\r\n"

    with peer(lambda this, connection: answer_all(this, connection, answer)) as it:
        bodies = [await get(client, it.url), await get(client, it.url)]

    assert ([b"", b""], 1) == (bodies, it.opened)


async def test_an_upgrade_nobody_asked_for_is_an_answer_whose_connection_is_not_kept(
    client: Client,
) -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\nhi"

    with peer(answer_once(answer, then="fin")) as it:
        response = await client.send(HttpRequest("GET", it.url, {}), QUICK)
        await response.close()
        again = await client.send(HttpRequest("GET", it.url, {}), QUICK)
        await again.close()

    assert (101, 2) == (response.status, it.opened)


async def test_a_second_answer_in_the_same_packet_is_never_used(client: Client) -> None:
    with peer(answer_once(OK + OK.replace(b"ok", b"no"))) as it:
        bodies = [await get(client, it.url), await get(client, it.url)]

    assert ([b"ok", b"ok"], 2) == (bodies, it.opened)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + b"x" * 3_000_000,
        b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 3_000_000,
        CHUNKED + b"2dc6c0\r\n" + b"x" * 3_000_000,
    ],
    ids=["length", "close", "chunked"],
)
async def test_a_body_over_the_cap_is_cut_and_its_connection_closed(
    client: Client, answer: bytes
) -> None:
    with peer(answer_once(answer)) as it:
        with pytest.raises(TransportFailed) as failed:
            await get(client, it.url, cap=1_000_000)

        assert await asyncio.to_thread(it.connections[0].left.wait, 5)

    assert "too_large" == failed.value.phase


async def test_a_body_of_exactly_the_cap_is_read(client: Client) -> None:
    with peer(answer_all) as it:
        assert b"ok" == await get(client, it.url, cap=2)


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 100_000 + b"\r\n",
        b"HTTP/1.1 200 " + b"O" * 100_000 + b"\r\n\r\n",
    ],
    ids=["field", "fields", "reason"],
)
async def test_a_huge_head_is_refused(client: Client, head: bytes) -> None:
    with peer(answer_once(head)) as it, pytest.raises(TransportFailed) as failed:
        await get(client, it.url)

    assert "reset" == failed.value.phase


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
        CHUNKED + b"fffffffffffffffff\r\nok\r\n0\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http_is_a_broken_one(client: Client, answer: bytes) -> None:
    with peer(answer_once(answer)) as it, pytest.raises(TransportFailed) as failed:
        await get(client, it.url)

    assert "reset" == failed.value.phase


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_an_answer_is_the_same_however_it_is_cut(client: Client, size: int) -> None:
    answer = CHUNKED + b"".join(b"3\r\n%03d\r\n" % n for n in range(200)) + b"0\r\nt: 1\r\n\r\n"

    def drip(_: Peer, connection: Connection) -> None:
        connection.request()
        for start in range(0, len(answer), size):
            connection.send(answer[start : start + size])
        connection.wait_until_the_client_leaves()

    with peer(drip) as it:
        assert b"".join(b"%03d" % n for n in range(200)) == await get(client, it.url)


async def test_a_closed_client_opens_again() -> None:
    client = Client()

    with peer(answer_all) as it:
        await get(client, it.url)
        await client.close()
        body = await get(client, it.url)
        await client.close()

    assert (b"ok", 2) == (body, it.opened)


def test_a_client_refuses_a_second_event_loop() -> None:
    client = Client()

    with peer(answer_all) as it, asyncio.Runner() as first:
        first.run(get(client, it.url))
        with asyncio.Runner() as second, pytest.raises(RuntimeError, match="event loop"):
            second.run(get(client, it.url))
        first.run(client.close())
