"""The same promises over TLS, against a certificate made for the test."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from shared.domain import HttpRequest, Timeouts
from shared.errors import TransportFailed
from shared.transport.client import Client
from tests.transport.peers import OK, answer_all, freeze_until_the_last_is_closed, peer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.transport.peers import Connection, Peer

PATIENT = Timeouts(connect=5, first_byte=5, between_bytes=5, total=10)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
            *("-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout", folder / "key.pem"),
            *("-addext", "subjectAltName=DNS:localhost", "-out", folder / "cert.pem"),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@pytest.fixture
def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    return context


@pytest.fixture
async def trusting_client(certificate: Path) -> AsyncIterator[Client]:
    client = Client(ssl.create_default_context(cafile=str(certificate / "cert.pem")))
    yield client
    await client.close()


async def body_of(client: Client, it: Peer) -> bytes:
    response = await client.send(HttpRequest("POST", it.url, {}, b"{}"), PATIENT)
    return await response.read(1_000_000)


async def test_a_connection_is_kept(trusting_client: Client, server_side: ssl.SSLContext) -> None:
    with peer(answer_all, server_side) as it:
        bodies = [await body_of(trusting_client, it) for _ in range(3)]

    assert ([b"ok"] * 3, 1) == (bodies, it.opened)


async def test_a_certificate_nobody_vouches_for_is_a_failed_connect(
    client: Client, server_side: ssl.SSLContext
) -> None:
    with peer(answer_all, server_side) as it, pytest.raises(TransportFailed) as failed:
        await body_of(client, it)

    assert ("connect", []) == (failed.value.phase, it.requests)


@pytest.mark.parametrize("ending", ["unwrap", "fin", "rst"])
async def test_a_connection_closed_while_we_were_frozen_is_not_used(
    trusting_client: Client, server_side: ssl.SSLContext, ending: str
) -> None:
    def behave(this: Peer, connection: Connection) -> None:
        this.requests.append(connection.request())
        connection.send(OK)
        connection.cue.wait(5)
        if ending == "unwrap":
            assert isinstance(connection.socket, ssl.SSLSocket)
            connection.socket.settimeout(0.05)
            with pytest.raises(TimeoutError):
                connection.socket.unwrap()
            connection.fin()
        else:
            getattr(connection, ending)()

    with peer(behave, server_side) as it:
        for _ in range(5):
            assert b"ok" == await body_of(trusting_client, it)
            freeze_until_the_last_is_closed(it)

    assert (5, 5) == (it.opened, len(it.requests))


async def test_a_cancelled_send_closes_its_socket(
    trusting_client: Client, server_side: ssl.SSLContext
) -> None:
    def hear_only(this: Peer, connection: Connection) -> None:
        connection.request()
        this.asked.set()
        connection.wait_until_the_client_leaves()

    with peer(hear_only, server_side) as it:
        sending = asyncio.create_task(body_of(trusting_client, it))
        await asyncio.to_thread(it.asked.wait, 5)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

        assert await asyncio.to_thread(it.connections[0].left.wait, 5)
