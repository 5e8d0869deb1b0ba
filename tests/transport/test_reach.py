"""Whatever a name stands for, a request that may not reach an address does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain import HttpRequest
from shared.errors import TransportFailed
from shared.wire.addresses import address_problem, is_forbidden
from tests.transport.asking import PATIENT
from tests.transport.peers import answer_all, peer

if TYPE_CHECKING:
    from shared.transport.client import Client


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/",
        "http://[fe80::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://100.100.100.200/",
        "http://metadata.google.internal/",
        "http://0.0.0.0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://user@example.com/",
        "http://a\\@b/",
        "file:///etc/passwd",
        "http://[::1/",
    ],
)
def test_an_address_that_nobody_may_give(url: str) -> None:
    assert address_problem(url, allows_private=True) is not None


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8000/v1",
        "http://10.1.2.3",
        "http://[::1]:1",
        "http://localhost",
        "http://a.internal",
        "http://100.64.0.1",
        "http://[fd00::1]/",
    ],
)
def test_a_private_address_is_given_only_where_that_is_allowed(url: str) -> None:
    assert address_problem(url, allows_private=True) is None
    assert address_problem(url, allows_private=False) is not None


async def test_a_name_that_stands_for_a_private_address_is_not_connected_to(client: Client) -> None:
    with peer(answer_all) as it:
        url = it.url.replace("127.0.0.1", "localhost")

        with pytest.raises(TransportFailed):
            await client.send(HttpRequest("GET", url, {}, reach="public"), PATIENT)

    assert 0 == it.opened


async def test_nor_is_a_connection_that_somebody_else_left_open(client: Client) -> None:
    with peer(answer_all) as it:
        await (await client.send(HttpRequest("GET", it.url, {}), PATIENT)).read(100)

        with pytest.raises(TransportFailed):
            await client.send(HttpRequest("GET", it.url, {}, reach="public"), PATIENT)

    assert 1 == len(it.requests)


async def test_where_private_addresses_are_allowed_it_is(client: Client) -> None:
    with peer(answer_all) as it:
        request = HttpRequest("GET", it.url, {}, reach="private")
        reply = await client.send(request, PATIENT)

        assert b"ok" == await reply.read(100)


@pytest.mark.parametrize("address", ["not-an-address", "", "fe80::1%eth0", "169.254.0.1"])
def test_what_is_no_address_or_link_local_is_forbidden(address: str) -> None:
    assert is_forbidden(address, allows_private=True)
