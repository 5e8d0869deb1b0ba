"""Calls whose price nobody knows: charged nothing and flagged, or refused where that is set."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from tests.gateway.given import CHAT, ledger, model
from tests.gateway.test_limits import state
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.domain import Json
    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CALL = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]}
REFUSE: Json = {"unknown_price": "refuse"}


def unpriced(name: str, base: str, **params: Json) -> Json:
    none: dict[str, Json] = {"input_cost_per_token": None, "output_cost_per_token": None}
    return model(name, base, **none, **params)


async def test_by_default_it_costs_nothing_and_is_flagged(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(unpriced("gpt", provider.url))
    key = await given.key(max_budget=0)

    reply = await client.post(CHAT, json=CALL, headers=(await given.key()).headers)
    refused = await client.post(CHAT, json=CALL, headers=key.headers)

    (row,) = await ledger(gateway, 1)
    assert (200, 422) == (reply.status_code, refused.status_code)
    assert "0" == row["spend"]
    assert orjson.loads(row["row"])["metadata"]["unpriced"]


async def test_where_that_is_set_it_is_refused_and_nothing_changes(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(unpriced("gpt", provider.url), litellm_settings=REFUSE)
    key = await given.key()

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    error = reply.json()["error"]
    assert (403, "model_cost_map_missing", "403", "model") == (
        reply.status_code,
        error["type"],
        error["code"],
        error["param"],
    )
    assert "input_cost_per_token" in error["message"]
    assert not [name for name in await state(gateway) if not name.startswith(("key:", "config"))]
    assert [] == provider.requests


async def test_only_deployments_with_a_price_are_asked(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    priced = model("gpt", provider.url, model_info={"id": "priced"})
    models = [unpriced("gpt", provider.url, weight=1_000_000), priced]
    _, client = await proxy(*models, litellm_settings=REFUSE)
    key = await given.key()

    replies = [await client.post(CHAT, json=CALL, headers=key.headers) for _ in range(3)]

    assert [(200, "priced")] * 3 == [
        (reply.status_code, reply.headers["x-litellm-model-id"]) for reply in replies
    ]


async def test_a_fallback_without_a_price_is_no_fallback(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    provider.next(Behaviour(status=500))
    _, client = await proxy(
        model("gpt", provider.url),
        unpriced("spare", provider.url),
        litellm_settings=REFUSE,
        router_settings={"fallbacks": [{"gpt": ["spare"]}], "num_retries": 0},
    )
    key = await given.key()

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (500, 1) == (reply.status_code, len(provider.requests))
