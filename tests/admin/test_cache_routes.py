"""The routes under /cache, where the cache has a database of its own, and its settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from local.door.server import DoorThread
from local.valkey import Valkey
from shared.storage.redis import Redis
from tests.admin.asking import error_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from local.reaper import Reaper
    from tests.admin.asking import Admin


@pytest.fixture(scope="module")
def other_door(scratch: Path, reaper: Reaper) -> Iterator[DoorThread]:
    """Another Valkey, behind a door of its own."""
    valkey = Valkey(scratch / "valkey-of-the-cache", reaper)
    valkey.start()
    door = DoorThread(valkey.port, valkey.password, token="token-of-the-cache")
    door.start()
    yield door
    door.stop()
    valkey.stop()


@pytest.fixture
async def cache(admin: Admin, other_door: DoorThread) -> Redis:
    """The cache's own database, empty, as the admin app has it."""
    stores = admin.state.desk.stores
    own = Redis(stores.http, other_door.url, other_door.token, try_seconds=2)
    await own.execute(["FLUSHALL"])
    object.__setattr__(
        admin.state, "desk", replace(admin.state.desk, stores=replace(stores, cache=own))
    )
    return own


async def put(redis: Redis, *names: str) -> None:
    for name in names:
        await redis.execute(["SET", name, "1"])


async def test_deleting_and_flushing_touch_the_caches_database_alone(
    admin: Admin, cache: Redis
) -> None:
    state = admin.state.desk.stores.redis
    for redis in (state, cache):
        await put(redis, "cache:a", "cache:b", "cache:c", "budget:key:x:-")

    one = await admin.made("/cache/delete", keys=["a", "budget:key:x:-"])
    rest = await admin.made("/cache/flushall")

    assert (1, 2) == (one["deleted"], rest["deleted"])
    assert ["budget:key:x:-"] == await cache.execute(["KEYS", "*"])
    left = await state.execute(["KEYS", "cache:*"])
    assert isinstance(left, list)
    assert ["cache:a", "cache:b", "cache:c"] == sorted(map(str, left))


async def test_a_ping_and_the_info_are_of_the_caches_database(admin: Admin, cache: Redis) -> None:
    await put(cache, "cache:a")

    ping = (await admin.get("/cache/ping")).json()
    found = (await admin.get("/cache/redis/info")).json()

    assert ("healthy", -1, 1) == (ping["status"], found["num_clients"], len(found["clients"]))
    assert "keys=" in str(found["info"]["db0"])
    assert isinstance(found["info"]["uptime_in_seconds"], int)
    assert not {"PING", "INFO", "SET"} & admin.door.calls.by_command.keys()


async def test_a_cache_that_is_down_is_unhealthy_and_503(admin: Admin) -> None:
    desk = admin.state.desk
    nowhere = Redis(desk.stores.http, "http://127.0.0.1:1", "", try_seconds=0.2)
    down = replace(desk, stores=replace(desk.stores, cache=nowhere))
    object.__setattr__(admin.state, "desk", down)

    ping = await admin.get("/cache/ping")
    others = [
        await admin.post("/cache/flushall"),
        await admin.post("/cache/delete", {"keys": ["a"]}),
        await admin.get("/cache/redis/info"),
    ]

    assert (503, "unhealthy") == (ping.status_code, ping.json()["status"])
    assert [503, 503, 503] == [reply.status_code for reply in others]


async def test_the_caches_settings_are_told_as_a_form_needs_them(lasting: Admin) -> None:
    found = (await lasting.get("/cache/settings")).json()

    fields = {field["field_name"]: field for field in found["fields"]}
    assert (600.0, "default_on") == (fields["ttl"]["field_default"], fields["mode"]["field_value"])
    assert ("redis", False) == (found["current_values"]["type"], found["current_values"]["cache"])


async def test_settings_that_are_saved_are_in_force(admin: Admin) -> None:
    first = await admin.made("/cache/settings", cache_settings={"type": "redis", "ttl": 60})
    await admin.made("/cache/settings", cache_settings={"mode": "default_off"})

    settings = admin.state.desk.live.current.cache
    told = (await admin.get("/cache/settings")).json()["current_values"]
    assert 60 == first["settings"]["ttl"]
    assert (True, 60.0, False) == (
        settings.is_on,
        settings.ttl_seconds,
        settings.is_on_by_default,
    )
    assert (True, 60, "default_off") == (told["cache"], told["ttl"], told["mode"])


@pytest.mark.parametrize(
    "settings",
    [{"password": "x"}, {"url": "redis://elsewhere"}, {"colour": "red"}, {"ttl": "long"}],
)
async def test_where_the_cache_is_and_what_is_no_setting_is_refused(
    lasting: Admin, settings: dict[str, object]
) -> None:
    before = (await lasting.get("/cache/settings")).json()

    reply = await lasting.post("/cache/settings", {"cache_settings": settings})

    assert 400 == error_of(reply)[0]
    assert before == (await lasting.get("/cache/settings")).json()


async def test_a_callback_that_was_set_can_be_taken_away(admin: Admin) -> None:
    await admin.made("/config/update", litellm_settings={"success_callback": ["langfuse", "otel"]})

    gone = await admin.made("/config/callback/delete", callback_name="Langfuse")
    again = await admin.post("/config/callback/delete", {"callback_name": "langfuse"})

    assert ("langfuse", ["otel"]) == (gone["removed_callback"], gone["remaining_callbacks"])
    assert 404 == error_of(again)[0]
