"""A change of the configuration is in force on the next request, whole or not at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shared.config.live import LiveConfig, find_overlay
from shared.storage.admin_changes import next_version
from shared.storage.config_entries import announce_config, fence_config, publish_overlay
from tests.gateway.given import MASTER_KEY, ledger, model

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from local.door.server import DoorThread
    from shared.domain import Json
    from shared.gateway.gateway import Gateway
    from shared.storage.stores import Stores
    from tests.gateway.given import Given
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]


async def chat(client: httpx.AsyncClient, name: str = "gpt") -> httpx.Response:
    return await client.post(
        "/v1/chat/completions",
        json={"model": name, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 5},
        headers={"authorization": f"Bearer {MASTER_KEY}"},
    )


def configured(gateway: Gateway) -> LiveConfig:
    assert gateway.live is not None
    return gateway.live


async def settled(gateway: Gateway, reply: httpx.Response, rows: int = 1) -> None:
    assert 200 == reply.status_code
    await ledger(gateway, rows)


async def set_section(stores: Stores, name: str, value: dict[str, Any]) -> None:
    """Change a row of litellm_config and publish it, as the admin API does."""
    await stores.postgres.run(
        "insert into litellm_config (config_name, config_value) "
        "values (%(name)s, %(value)s::text::jsonb) "
        "on conflict (config_name) do update set config_value = excluded.config_value",
        name=name,
        value=orjson.dumps(value).decode(),
    )
    overlay = await find_overlay(stores.postgres)
    await publish_overlay(stores.redis, overlay.version, overlay.render())


async def add_model(stores: Stores, name: str, base: str, **params: Json) -> None:
    entry: Any = model(name, base, **params)
    await stores.postgres.run(
        "insert into litellm_proxymodeltable (model_id, model_name, litellm_params) "
        "values (%(name)s, %(name)s, %(params)s::text::jsonb)",
        name=name,
        params=orjson.dumps(entry["litellm_params"]).decode(),
    )
    overlay = await find_overlay(stores.postgres)
    await publish_overlay(stores.redis, overlay.version, overlay.render())


async def test_a_new_model_answers_the_next_request_of_a_warm_process(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy()
    unknown = await chat(client, "new")

    await add_model(given.stores, "new", provider.url)

    assert (400, 200) == (unknown.status_code, (await chat(client, "new")).status_code)


async def test_a_new_model_is_listed_at_once(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy()
    await chat(client)

    await add_model(given.stores, "new", provider.url)

    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    listed = (await client.get("/v1/models", headers=headers)).json()["data"]
    assert ["gpt", "new"] == [entry["id"] for entry in listed]


async def test_a_setting_holds_for_the_next_request(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("gpt", provider.url), model("other", provider.url))
    await chat(client)

    alias = {"model_group_alias": {"mine": "other"}}
    await set_section(given.stores, "router_settings", alias)

    assert 200 == (await chat(client, "mine")).status_code


async def test_a_warm_request_still_costs_two_redis_calls(
    proxy: Proxy, given: Given, door: DoorThread, provider: Provider
) -> None:
    gateway, client = await proxy()
    await add_model(given.stores, "new", provider.url)
    await settled(gateway, await chat(client, "new"))
    door.calls.reset()

    await settled(gateway, await chat(client, "new"), rows=2)

    assert {"EVALSHA": 2} == {
        name: n for name, n in door.calls.by_command.items() if name != "XRANGE"
    }


async def test_a_cold_process_needs_no_sql(
    proxy: Proxy, given: Given, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add_model(given.stores, "new", provider.url)
    gateway, client = await proxy()

    async def no_sql(*_: object) -> None:
        raise AssertionError("a cold process asked Postgres")

    monkeypatch.setattr(type(gateway.stores.postgres), "_answer", no_sql)

    assert 200 == (await chat(client, "new")).status_code


async def test_an_invalid_overlay_leaves_the_last_good_configuration(
    proxy: Proxy, given: Given, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway, client = await proxy()
    await set_section(given.stores, "litellm_settings", {"default_max_tokens": 7})
    await chat(client)

    await set_section(given.stores, "litellm_settings", {"default_max_tokens": "many"})
    reply = await chat(client)

    assert (200, 7) == (reply.status_code, configured(gateway).current.litellm.default_max_tokens)
    assert "config_refused" in capsys.readouterr().out


async def test_without_redis_and_postgres_the_last_good_configuration_stays(
    proxy: Proxy, given: Given, door: DoorThread
) -> None:
    gateway, client = await proxy()
    await set_section(given.stores, "litellm_settings", {"default_max_tokens": 7})
    await chat(client)
    door.faults.add("refuse", times=None)

    await configured(gateway).refresh()

    assert 7 == configured(gateway).current.litellm.default_max_tokens


async def test_a_redis_that_lost_everything_is_told_the_configuration_again(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy()
    await add_model(given.stores, "new", provider.url)
    await chat(client, "new")
    await gateway.stores.redis.execute(["FLUSHALL"])

    assert 200 == (await chat(client, "new")).status_code
    found = await gateway.stores.redis.execute(["GET", "config:version"])
    assert str(configured(gateway).version) == found


async def test_an_older_overlay_never_replaces_a_newer_one(given: Given) -> None:
    redis = given.stores.redis
    await publish_overlay(redis, 9, "{}")

    was_written = await publish_overlay(redis, 8, '{"old":1}')

    assert (False, "{}") == (was_written, await redis.execute(["GET", "config:overlay"]))


async def test_another_header_for_keys_is_read_from_the_next_request_on(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("gpt", provider.url))
    assert 200 == (await chat(client)).status_code

    await set_section(given.stores, "general_settings", {"litellm_key_header_name": "x-our-key"})
    moved = await client.get("/v1/models", headers={"x-our-key": MASTER_KEY})
    reply = await client.post(
        "/v1/chat/completions",
        json={"model": "gpt", "messages": [{"role": "user", "content": "Hello"}]},
        headers={"x-our-key": MASTER_KEY, "authorization": "Basic c2s="},
    )

    assert (200, 200) == (moved.status_code, reply.status_code)


async def test_a_configuration_that_changes_faster_than_a_call_is_decided_keeps_nobody_out(
    proxy: Proxy, given: Given, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    gateway, client = await proxy(model("gpt", provider.url))
    assert 200 == (await chat(client)).status_code
    changes = 0
    reload = LiveConfig.reload

    async def reload_too_late(self: LiveConfig, stale: int | None) -> None:
        nonlocal changes
        await reload(self, stale)
        changes += 1
        await set_section(given.stores, "litellm_settings", {"default_max_tokens": 10 + changes})

    monkeypatch.setattr(LiveConfig, "reload", reload_too_late)
    await set_section(given.stores, "litellm_settings", {"default_max_tokens": 10})

    reply = await chat(client)

    assert (200, 2) == (reply.status_code, changes)
    assert 11 == gateway.current().config.litellm.default_max_tokens


async def test_no_request_fails_and_none_sees_half_of_a_change_under_load(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, first = await proxy(model("gpt", provider.url))
    _, second = await proxy(model("gpt", provider.url))
    is_over = asyncio.Event()

    async def calls(client: httpx.AsyncClient) -> list[int]:
        statuses: list[int] = []
        while not is_over.is_set():
            statuses.append((await chat(client)).status_code)
        return statuses

    running = [asyncio.create_task(calls(client)) for client in (first, second) for _ in range(4)]
    for number in range(10):
        await set_section(given.stores, "litellm_settings", {"default_max_tokens": 10 + number})
    is_over.set()

    statuses = [status for task in running for status in await task]
    assert {200} == set(statuses)


async def commit_unpublished(stores: Stores, name: str, value: dict[str, Any]) -> None:
    """Change a row as somebody does who dies before publishing it."""
    number = await next_version(stores.postgres)
    await fence_config(stores.redis, number)
    await stores.postgres.run(
        "insert into litellm_config (config_name, config_value) "
        "values (%(name)s, %(value)s::text::jsonb) "
        "on conflict (config_name) do update set config_value = excluded.config_value",
        name=name,
        value=orjson.dumps(value).decode(),
    )


async def test_a_change_whose_maker_died_before_publishing_holds_for_the_next_request(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    _, client = await proxy(model("other", provider.url))
    await set_section(given.stores, "router_settings", {"model_group_alias": {"old": "other"}})
    assert 200 == (await chat(client, "old")).status_code

    alias = {"model_group_alias": {"new": "other"}}
    await commit_unpublished(given.stores, "router_settings", alias)

    assert [200, 400] == [(await chat(client, name)).status_code for name in ("new", "old")]


async def test_under_a_fence_a_process_reads_postgres_once_and_not_for_every_call(
    proxy: Proxy, given: Given, door: DoorThread, provider: Provider
) -> None:
    gateway, client = await proxy()
    await add_model(given.stores, "new", provider.url)
    await settled(gateway, await chat(client, "new"))
    await fence_config(given.stores.redis, await next_version(given.stores.postgres))
    await settled(gateway, await chat(client, "new"), rows=2)
    door.calls.reset()

    await settled(gateway, await chat(client, "new"), rows=3)

    assert {"EVALSHA": 2} == {
        name: n for name, n in door.calls.by_command.items() if name != "XRANGE"
    }


async def test_when_a_fence_has_expired_whoever_asks_puts_the_configuration_back(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy()
    await add_model(given.stores, "new", provider.url)
    await chat(client, "new")
    await commit_unpublished(given.stores, "litellm_settings", {"default_max_tokens": 7})
    await gateway.stores.redis.execute(["DEL", "config:version"])  # as a minute later

    reply = await chat(client, "new")

    assert (200, 7) == (reply.status_code, configured(gateway).current.litellm.default_max_tokens)
    standing = await gateway.stores.redis.execute(["GET", "config:version"])
    assert str(configured(gateway).version) == standing


async def test_below_a_fence_nothing_is_published_and_above_it_the_fence_is_gone(
    given: Given,
) -> None:
    redis = given.stores.redis
    await fence_config(redis, 5)

    written = [await publish_overlay(redis, version, "{}") for version in (5, 6)]

    assert [False, True] == written
    assert "6" == await redis.execute(["GET", "config:version"])
    assert -1 == await redis.execute(["PTTL", "config:version"])


async def test_a_fence_expires_by_itself_and_replaces_nothing_newer(given: Given) -> None:
    redis = given.stores.redis
    await publish_overlay(redis, 9, "{}")

    await fence_config(redis, 8)
    before = await redis.execute(["GET", "config:version"])
    await fence_config(redis, 10)

    found: Any = await redis.execute(["PTTL", "config:version"])
    assert ("9", True) == (before, 0 < found <= 60_000)


async def test_a_process_that_lives_long_hears_of_a_change_without_being_asked(
    proxy: Proxy, given: Given, door: DoorThread
) -> None:
    gateway, _ = await proxy()
    live = configured(gateway)
    following = asyncio.create_task(live.follow())
    async with asyncio.timeout(60):
        while door.calls.by_command["SUBSCRIBE"] == 0 or live.version is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)

        await set_section(given.stores, "litellm_settings", {"default_max_tokens": 7})
        await announce_config(given.stores.redis, "litellm_settings", "2026-11-24")

        while live.current.litellm.default_max_tokens != 7:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    following.cancel()
    with pytest.raises(asyncio.CancelledError):
        await following
