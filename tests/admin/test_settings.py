"""Settings, fallbacks and the cache over HTTP: in force at once in another process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of
from tests.admin.model_calls import chat, given, send

if TYPE_CHECKING:
    import httpx

    from tests.admin.asking import Admin, Json
    from tests.provider import Provider


async def test_a_setting_is_in_force_in_another_process_and_can_be_taken_back(
    admin: Admin, gateway: httpx.AsyncClient
) -> None:
    await admin.made("/config/update", router_settings={"model_group_alias": {"alias": "in-file"}})
    with_alias = await chat(gateway, "alias")
    await admin.made(
        "/config/field/delete", field_name="model_group_alias", config_type="router_settings"
    )

    assert (200, 400) == (with_alias, await chat(gateway, "alias"))


async def test_settings_that_are_not_valid_are_refused_with_every_reason(admin: Admin) -> None:
    reply = await admin.post(
        "/config/update",
        {"router_settings": {"num_retries": -1}, "litellm_settings": {"timezone": "Nowhere"}},
    )

    assert (400, "config") == (error_of(reply)[0], error_of(reply)[2])
    assert "router_settings.num_retries" in reply.text
    assert "litellm_settings.timezone" in reply.text
    assert [] == admin.sql("select 1 from litellm_config")


@pytest.mark.parametrize(
    "body",
    [
        {"environment_variables": {"OPENAI_API_BASE": "https://elsewhere.example"}},
        {"environment_variables": {"TOLLGATE_MASTER_KEY": "sk-mine"}},
        {"environment_variables": {"A B": "x"}},
        {"general_settings": {"allow_private_api_base": True}},
        {"general_settings": {"litellm_key_header_name": "os.environ/DATABASE_URL"}},
    ],
)
async def test_what_is_the_operators_cannot_be_set_over_the_api(admin: Admin, body: Json) -> None:
    reply = await admin.post("/config/update", body)

    assert 400 == error_of(reply)[0]


async def test_a_field_is_told_with_where_it_stands(admin: Admin) -> None:
    await admin.made("/config/field/update", field_name="alerting", field_value=["slack"])

    found = (await admin.get("/config/field/info", {"field_name": "alerting"})).json()

    assert {"field_name": "alerting", "field_value": ["slack"], "stored_in_db": True} == found
    assert [found] == (await admin.get("/config/list")).json()


@pytest.mark.parametrize("kind", ["general", "context_window", "content_policy"])
async def test_fallbacks_of_each_kind_are_apart(
    admin: Admin, provider: Provider, kind: str
) -> None:
    for name in ("a", "b"):
        await admin.made("/model/new", **given(provider, name))
    others = {"general", "context_window", "content_policy"} - {kind}

    made = await admin.made("/fallback", model="a", fallback_models=["b"], fallback_type=kind)

    assert (kind, "Fallback configuration created successfully") == (
        made["fallback_type"],
        made["message"],
    )
    assert ["b"] == (await admin.get("/fallback/a", {"fallback_type": kind})).json()[
        "fallback_models"
    ]
    for other in others:
        assert 404 == (await admin.get("/fallback/a", {"fallback_type": other})).status_code
    gone = await send(admin, "DELETE", f"/fallback/a?fallback_type={kind}")
    assert 200 == gone.status_code
    assert 404 == (await admin.get("/fallback/a", {"fallback_type": kind})).status_code


async def test_fallbacks_are_set_shown_and_deleted(admin: Admin, provider: Provider) -> None:
    for name in ("a", "b"):
        await admin.made("/model/new", **given(provider, name))

    await admin.made("/fallback", model="a", fallback_models=["b"])
    shown = await admin.get("/fallback/a")
    gone = await send(admin, "DELETE", "/fallback/a")

    assert (["b"], 200) == (shown.json()["fallback_models"], gone.status_code)
    assert 404 == (await admin.get("/fallback/a")).status_code
    unknown = await admin.post("/fallback", {"model": "a", "fallback_models": ["nobody"]})
    assert 400 == error_of(unknown)[0]


async def test_flushing_the_cache_touches_nothing_else(admin: Admin) -> None:
    redis = admin.state.desk.stores.redis
    for name in ("cache:a", "cache:b", "cache:c", "budget:key:x:-", "cachet"):
        await redis.execute(["SET", name, "1"])

    one = await admin.made("/cache/delete", keys=["a", "budget:key:x:-"])
    rest = await admin.made("/cache/flushall")

    assert (1, 2) == (one["deleted"], rest["deleted"])
    left = await redis.execute(["MGET", "cache:b", "budget:key:x:-", "cachet"])
    assert [None, "1", "1"] == left


async def test_the_cache_says_whether_it_works(admin: Admin) -> None:
    ping = (await admin.get("/cache/ping")).json()

    assert ("healthy", "redis", True) == (ping["status"], ping["cache_type"], ping["ping_response"])
