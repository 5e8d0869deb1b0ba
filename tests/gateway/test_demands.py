"""What a key demands of every body: parameters that must be there, cache controls it may set."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.gateway.given import CALL, CHAT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]


def told(reply: httpx.Response) -> tuple[int, str, str | None]:
    error = reply.json()["error"]
    return reply.status_code, error["type"], error["param"]


@pytest.mark.parametrize(
    ("enforced", "sent", "missing"),
    [
        (["user"], {}, "user"),
        (["user"], {"user": "u"}, None),
        (["metadata.team"], {}, "metadata.team"),
        (["metadata.team"], {"metadata": {"other": 1}}, "metadata.team"),
        (["metadata.team"], {"metadata": {"team": "t"}}, None),
        (["user", "temperature"], {"user": "u"}, "temperature"),
    ],
)
async def test_a_body_that_lacks_what_its_key_demands_is_refused(
    proxy: Proxy,
    given: Given,
    provider: Provider,
    enforced: list[str],
    sent: dict[str, Any],
    missing: str | None,
) -> None:
    _, client = await proxy()
    key = await given.key(metadata=json.dumps({"enforced_params": enforced}))

    reply = await client.post(CHAT, json=CALL | sent, headers=key.headers)

    if missing is None:
        assert 200 == reply.status_code
    else:
        assert (400, "invalid_request_error", missing) == told(reply)
        assert [] == provider.requests


async def test_the_proxy_demands_of_all_and_more_of_service_accounts(
    proxy: Proxy, given: Given
) -> None:
    demands: Any = {
        "enforced_params": ["user"],
        "service_account_settings": {"enforced_params": ["metadata.job"]},
    }
    _, client = await proxy(general_settings=demands)
    person = await given.key()
    account = await given.key(metadata=json.dumps({"service_account_id": "nightly"}))

    replies = [
        await client.post(CHAT, json=CALL, headers=person.headers),
        await client.post(CHAT, json=CALL | {"user": "u"}, headers=person.headers),
        await client.post(CHAT, json=CALL | {"user": "u"}, headers=account.headers),
        await client.post(
            CHAT, json=CALL | {"user": "u", "metadata": {"job": 1}}, headers=account.headers
        ),
    ]

    assert [400, 200, 400, 200] == [reply.status_code for reply in replies]


async def test_a_cache_control_that_the_key_may_not_set_is_refused(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(litellm_settings={"cache": True})
    key = await given.key(allowed_cache_controls=["no-cache"])
    free = await given.key()

    refused = await client.post(CHAT, json=CALL | {"cache": {"ttl": 5}}, headers=key.headers)
    replies = [
        await client.post(CHAT, json=CALL | {"cache": {"no-cache": True}}, headers=key.headers),
        await client.post(CHAT, json=CALL | {"cache": {"ttl": 5}}, headers=free.headers),
    ]

    assert (403, "cache") == told(refused)[::2]
    assert "Not allowed to set ttl as a cache control" in refused.text
    assert [200, 200] == [reply.status_code for reply in replies]
    assert 2 == len(provider.requests)
