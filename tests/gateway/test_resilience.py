"""Fallbacks by kind of error, retry policies, deadlines, mocks; who may have which deployment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shared.domain import Endpoint, Millis
from shared.errors import GatewayError
from shared.gateway.serve import serve as serve_call
from shared.spend.ids import uuid7
from shared.wire.llm_requests import parse_call
from tests.gateway.given import CALL, CHAT, ledger, model, router
from tests.provider import Behaviour, Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

TOO_LONG = orjson.dumps(
    {"error": {"message": "too long", "type": "x", "code": "context_length_exceeded"}}
)
NOT_NICE = orjson.dumps({"error": {"message": "no", "type": "x", "code": "content_filter"}})


@pytest.mark.parametrize(
    ("name", "body"),
    [("context_window_fallbacks", TOO_LONG), ("content_policy_fallbacks", NOT_NICE)],
)
async def test_an_error_of_a_kind_goes_to_the_fallbacks_for_it(
    proxy: Proxy, given: Given, provider: Provider, other: Provider, name: str, body: bytes
) -> None:
    _, client = await proxy(
        model("gpt", provider.url),
        model("usual", provider.url),
        model("special", other.url),
        **router(fallbacks=[{"gpt": ["usual"]}], **{name: [{"gpt": ["special"]}]}),
    )
    key = await given.key()
    provider.next(Behaviour(status=400, body=body))

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (200, 1, 1) == (reply.status_code, len(provider.requests), len(other.requests))


async def test_special_fallbacks_do_not_stand_in_after_other_errors(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    _, client = await proxy(
        model("gpt", provider.url),
        model("special", other.url),
        **router(context_window_fallbacks=[{"gpt": ["special"]}]),
    )
    key = await given.key()
    provider.default = Behaviour(status=500)

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (500, 0) == (reply.status_code, len(other.requests))


async def test_a_retry_policy_decides_by_kind_of_error(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    policy = {"InternalServerErrorRetries": 0, "RateLimitErrorRetries": 2}
    both = [model("gpt", provider.url, api_key=f"k{i}") for i in range(4)]
    _, client = await proxy(*both, **router(num_retries=1, retry_policy=policy))
    key = await given.key()
    provider.default = Behaviour(status=500)
    await client.post(CHAT, json=CALL, headers=key.headers)
    after_500 = len(provider.requests)
    provider.default = Behaviour(status=429)

    await client.post(CHAT, json=CALL, headers=key.headers)

    assert (1, 3) == (after_500, len(provider.requests) - after_500)


async def test_tags_choose_among_deployments(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    _, client = await proxy(
        model("gpt", provider.url, tags=["free"]),
        model("gpt", other.url, tags=["paid"]),
        **router(enable_tag_filtering=True),
    )
    key = await given.key()

    for _ in range(3):
        await client.post(CHAT, json={**CALL, "tags": ["paid"]}, headers=key.headers)
    refused = await client.post(CHAT, json={**CALL, "tags": ["gold"]}, headers=key.headers)

    assert (0, 3, 401) == (len(provider.requests), len(other.requests), refused.status_code)


async def test_a_teams_deployment_is_its_alone(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    team = await given.team()
    own: Any = {"team_id": team, "team_public_model_name": "gpt"}
    _, client = await proxy(
        model("gpt", provider.url), model("internal", other.url, model_info=own)
    )
    mine, foreign = await given.key(team_id=team), await given.key()

    for key in (mine, foreign):
        await client.post(CHAT, json=CALL, headers=key.headers)

    assert (1, 1) == (len(provider.requests), len(other.requests))


async def test_an_access_group_opens_its_models_and_no_others(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(
        model("gpt", provider.url, model_info={"access_groups": ["beta"]}),
        model("plain", provider.url),
    )
    key = await given.key(models=["beta"])

    replies = [
        await client.post(CHAT, json={**CALL, "model": name}, headers=key.headers)
        for name in ("gpt", "plain")
    ]

    assert [200, 403] == [reply.status_code for reply in replies]


async def test_a_prompt_that_is_too_long_goes_where_it_fits_before_anybody_is_asked(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    _, client = await proxy(
        model("gpt", provider.url, base_model="gpt-4"),
        model("long", other.url, base_model="gpt-4.1"),
        **router(enable_pre_call_checks=True, context_window_fallbacks=[{"gpt": ["long"]}]),
    )
    key = await given.key()
    long = {**CALL, "messages": [{"role": "user", "content": "word " * 20_000}]}

    reply = await client.post(CHAT, json=long, headers=key.headers)

    assert (200, 0, 1) == (reply.status_code, len(provider.requests), len(other.requests))


async def test_a_call_ends_before_its_process_does(
    gateway: Gateway, given: Given, provider: Provider
) -> None:
    key = await given.key(max_budget=1)
    now = gateway.clock.now()
    call = parse_call(Endpoint.CHAT, CALL, {}, id=uuid7(now))
    provider.default = Behaviour(holds=-1)

    hurried = replace(call, deadline=Millis(now + 2_000))
    with pytest.raises(GatewayError) as failed:
        await serve_call(gateway, key.headers, hurried, "/chat/completions")

    assert (408, 1) == (failed.value.status, len(provider.requests))
    assert gateway.clock.now() < now + 2_000
    assert 1 == len(await ledger(gateway, 1))


async def test_a_model_that_nobody_serves_goes_to_the_default_fallback(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(
        model("usual", provider.url), **router(default_fallbacks=["nowhere", "usual"])
    )
    key = await given.key()

    replies = [
        await client.post(CHAT, json={**CALL, "model": "new", **more}, headers=key.headers)
        for more in ({}, {"disable_fallbacks": True})
    ]

    assert [(200, "new"), (400, None)] == [
        (reply.status_code, reply.json().get("model")) for reply in replies
    ]


@pytest.mark.parametrize(
    ("name", "body"),
    [("context_window_fallbacks", TOO_LONG), ("content_policy_fallbacks", NOT_NICE)],
)
async def test_fallbacks_for_a_kind_of_error_may_come_with_the_call(
    proxy: Proxy, given: Given, provider: Provider, other: Provider, name: str, body: bytes
) -> None:
    _, client = await proxy(
        model("gpt", provider.url),
        model("configured", provider.url),
        model("mine", other.url),
        **router(**{name: [{"gpt": ["configured"]}]}),
    )
    key = await given.key(models=["gpt", "mine"])
    provider.next(Behaviour(status=400, body=body))

    reply = await client.post(CHAT, json={**CALL, name: [{"gpt": ["mine"]}]}, headers=key.headers)

    assert (200, 1, 1) == (reply.status_code, len(provider.requests), len(other.requests))


async def test_no_fallback_that_came_along_is_beyond_the_keys_list(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("gpt", provider.url), model("dear", provider.url))
    key = await given.key(models=["gpt"])

    replies = [
        await client.post(CHAT, json={**CALL, name: ["dear"]}, headers=key.headers)
        for name in ("fallbacks", "context_window_fallbacks", "content_policy_fallbacks")
    ]

    assert [403, 403, 403] == [reply.status_code for reply in replies]
    assert [] == provider.requests


async def test_a_fallback_may_be_asked_with_messages_of_its_own(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    gateway, client = await proxy(model("gpt", provider.url), model("spare", other.url), **router())
    key = await given.key(max_budget=1)
    provider.next(Behaviour(status=500))
    shorter = [{"role": "user", "content": "Hi"}]

    fallback = {"model": "spare", "messages": shorter}
    reply = await client.post(CHAT, json={**CALL, "fallbacks": [fallback]}, headers=key.headers)

    assert (200, shorter) == (reply.status_code, other.requests[0].json["messages"])
    assert 1 == len(await ledger(gateway, 1))


async def test_an_end_user_is_answered_in_its_region_alone(
    proxy: Proxy, given: Given, provider: Provider, other: Provider
) -> None:
    _, client = await proxy(
        model("gpt", provider.url, region_name="us"),
        model("gpt", provider.url),
        model("gpt", other.url, aws_region_name="eu-central-1"),
        model("only-us", provider.url, region_name="us"),
        **router(enable_pre_call_checks=True),
    )
    key = await given.key()
    await given.row("litellm_endusertable", user_id="europa", allowed_model_region="eu")

    for _ in range(3):
        call = {**CALL, "user": "europa"}
        assert 200 == (await client.post(CHAT, json=call, headers=key.headers)).status_code
    call = {**CALL, "user": "europa", "model": "only-us"}
    refused = await client.post(CHAT, json=call, headers=key.headers)

    assert (0, 3, 400) == (len(provider.requests), len(other.requests), refused.status_code)
    assert "region eu" in refused.json()["error"]["message"]


async def test_models_and_access_groups_are_listed_as_they_may_be_called(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    team = await given.team()
    own: Any = {"team_id": team, "team_public_model_name": "private"}
    _, client = await proxy(
        model("gpt", provider.url, model_info={"access_groups": ["beta"]}),
        model("plain", provider.url),
        model("internal", provider.url, model_info=own),
        router_settings={
            "model_group_alias": {"alias": "gpt", "secret": {"model": "gpt", "hidden": True}}
        },
    )
    keys = [await given.key(models=["beta"]), await given.key(), await given.key(team_id=team)]

    async def listed(key: GivenKey, query: str = "") -> list[str]:
        reply = await client.get(f"/v1/models{query}", headers=key.headers)
        return [entry["id"] for entry in reply.json()["data"]]

    assert [["gpt", "alias"], ["gpt", "plain", "alias"], ["gpt", "plain", "private", "alias"]] == [
        await listed(key) for key in keys
    ]
    assert ["gpt", "alias", "beta"] == await listed(keys[0], "?include_model_access_groups=true")
    assert ["beta"] == await listed(keys[1], "?only_model_access_groups=True")
