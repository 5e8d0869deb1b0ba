"""Deployments, credentials and settings over HTTP: in force at once, and no secret ever shown."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import httpx
import pytest

from functions.admin.app import make_app as make_admin
from functions.proxy.app import make_app
from shared.admin.rotation import rotate_secrets
from shared.auth.directory import Directory
from shared.config.live import LiveConfig, find_overlay
from shared.config.overlay import merged
from shared.config.secrets import Vault
from shared.gateway.gateway import Gateway
from shared.storage.stores import Stores
from tests.admin.asking import MASTER_KEY, error_of
from tests.gateway.given import model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.admin.asking import Admin, Json
    from tests.provider import Provider

CANARY = "sk-canary-of-a-provider"
HELLO = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 10}


@pytest.fixture
async def gateway(admin: Admin, provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    """Another process."""
    settings, stores = admin.state.settings, Stores.open(admin.state.settings)
    file: Json = {"model_list": [model("in-file", provider.url)]}
    live = LiveConfig.over(file, settings, stores, {})
    app = make_app(Gateway(settings, live.current, stores, Directory(stores), live))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway"
    ) as http:
        yield http
    await stores.close()


async def chat(gateway: httpx.AsyncClient, name: str) -> int:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    body = {"model": name, **HELLO}
    return (await gateway.post("/v1/chat/completions", json=body, headers=headers)).status_code


def given(provider: Provider, name: str = "new", **info: Json) -> Json:
    entry: Json = model(name, provider.url, api_key=CANARY)
    return {**entry, "model_info": info}


async def send(admin: Admin, method: str, path: str, body: Json = None) -> httpx.Response:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    return await admin.http.request(method, path, json=body, headers=headers)


async def everything(admin: Admin) -> str:
    """All that Postgres and Redis hold, as one text."""
    found = ""
    for table in ("litellm_proxymodeltable", "litellm_credentialstable", "litellm_config"):
        found += str(admin.sql(f"select * from {table}"))  # noqa: S608 - our own names
    found += str(admin.sql("select * from litellm_auditlog"))
    return found + str(await admin.state.desk.stores.redis.execute(["GET", "config:overlay"]))


async def test_a_new_model_can_be_called_at_once_in_another_process(
    admin: Admin, gateway: httpx.AsyncClient, provider: Provider
) -> None:
    assert 400 == await chat(gateway, "new")

    row = await admin.made("/model/new", **given(provider))

    assert 200 == await chat(gateway, "new")
    assert f"Bearer {CANARY}" == provider.requests[-1].headers["authorization"]
    assert "new" == row["model_name"]


async def test_a_changed_a_blocked_and_a_deleted_model_count_at_once(
    admin: Admin, gateway: httpx.AsyncClient, provider: Provider
) -> None:
    await admin.made("/model/new", **given(provider, id="m"))

    statuses: list[int] = []
    for path, body in (
        ("/model/update", {"model_info": {"id": "m"}, "litellm_params": {"rpm": 7}}),
        ("/model/block", {"model_id": "m"}),
        ("/model/unblock", {"id": "m"}),
        ("/model/delete", {"id": "m"}),
    ):
        await admin.made(path, **body)
        statuses.append(await chat(gateway, "new"))

    assert [200, 400, 200, 400] == statuses


async def test_no_secret_is_shown_or_stored_in_the_clear(admin: Admin, provider: Provider) -> None:
    replies = [
        await admin.post("/model/new", given(provider, id="m")),
        await admin.post(
            "/model/update",
            {"model_info": {"id": "m"}, "litellm_params": {"aws_secret_access_key": CANARY}},
        ),
        await admin.post(
            "/credentials", {"credential_name": "c", "credential_values": {"api_key": CANARY}}
        ),
        await admin.post("/config/update", {"environment_variables": {"MY_KEY": CANARY}}),
        await send(admin, "PATCH", "/credentials/c", {"credential_values": {"token": CANARY}}),
        await admin.get("/model/info"),
        await admin.get("/v2/model/info"),
        await admin.get("/model_group/info"),
        await admin.get("/credentials"),
        await admin.get("/credentials/by_name/c"),
        await admin.get("/config/yaml"),
    ]

    assert {200} == {reply.status_code for reply in replies}
    assert CANARY not in "".join(reply.text for reply in replies)
    assert CANARY not in await everything(admin)


async def test_a_parameter_keeps_its_secret_when_another_changes(
    admin: Admin, gateway: httpx.AsyncClient, provider: Provider
) -> None:
    await admin.made("/model/new", **given(provider, id="m"))

    reply = await send(admin, "PATCH", "/model/m/update", {"litellm_params": {"rpm": 100}})

    assert (200, 200) == (reply.status_code, await chat(gateway, "new"))
    assert f"Bearer {CANARY}" == provider.requests[-1].headers["authorization"]


async def test_a_credential_gives_its_key_to_the_models_that_name_it(
    admin: Admin, gateway: httpx.AsyncClient, provider: Provider
) -> None:
    await admin.made(
        "/credentials", credential_name="c", credential_values={"api_key": "sk-credential"}
    )
    entry = given(provider)
    del entry["litellm_params"]["api_key"]
    entry["litellm_params"]["litellm_credential_name"] = "c"

    await admin.made("/model/new", **entry)

    assert 200 == await chat(gateway, "new")
    assert "Bearer sk-credential" == provider.requests[-1].headers["authorization"]


async def test_a_credential_that_a_model_names_cannot_be_deleted(
    admin: Admin, provider: Provider
) -> None:
    await admin.made("/credentials", credential_name="c", credential_values={"api_key": "x"})
    entry = given(provider)
    entry["litellm_params"]["litellm_credential_name"] = "c"
    await admin.made("/model/new", **entry)

    reply = await send(admin, "DELETE", "/credentials/c")

    assert 400 == error_of(reply)[0]
    assert "is no credential" in reply.text


@pytest.mark.parametrize(
    "params",
    [
        {"model": "nobody/gpt"},
        {"model": ""},
        {"model": "openai/gpt-4o", "rpm": "many"},
        {"model": "openai/gpt-4o", "api_base": "ftp://x.example"},
        {"model": "openai/gpt-4o", "api_base": "http://user:pw@x.example"},
        {"model": "openai/gpt-4o", "api_base": "http://169.254.169.254/latest"},
        {"model": "openai/gpt-4o", "api_base": "http://[::ffff:a9fe:a9fe]/"},
        {"model": "openai/gpt-4o", "api_base": "http://2130706433/"},
        {"model": "openai/gpt-4o", "base_url": "http://metadata.google.internal/"},
        {"model": "os.environ/TOLLGATE_MASTER_KEY"},
        {"model": "openai/gpt-4o", "api_key": "os.environ/DATABASE_URL"},
        {"model": "openai/gpt-4o", "api_base": "os.environ/DATABASE_URL"},
    ],
)
async def test_a_model_that_is_not_valid_is_refused_and_changes_nothing(
    admin: Admin, params: Json
) -> None:
    reply = await admin.post("/model/new", {"model_name": "m", "litellm_params": params})

    assert 400 == error_of(reply)[0]
    assert [] == admin.sql("select 1 from litellm_proxymodeltable")
    assert [] == (await admin.get("/model/info")).json()["data"]


async def test_private_addresses_are_refused_unless_allowed(admin: Admin) -> None:
    admin.state.desk.live.allows_private = False
    refused = [
        await admin.post(
            "/model/new",
            {"model_name": "m", "litellm_params": {"model": "openai/x", "api_base": url}},
        )
        for url in ("http://127.0.0.1:1", "http://10.0.0.7", "http://localhost", "http://[::1]/")
    ]

    assert [400] * 4 == [error_of(reply)[0] for reply in refused]


async def test_a_process_that_allows_no_private_address_leaves_such_a_model_out(
    admin: Admin, gateway: httpx.AsyncClient, provider: Provider
) -> None:
    """The provider's address is loopback; a process that allows none of that never calls it."""
    await admin.made("/model/new", **given(provider))
    app = gateway._transport.app  # type: ignore[attr-defined]
    live = app.state.gateway.live
    live.allows_private = False
    before = len(provider.requests)

    status = await chat(gateway, "new")

    assert (400, before) == (status, len(provider.requests))


async def test_an_id_is_given_once(admin: Admin, provider: Provider) -> None:
    await admin.made("/model/new", **given(provider, id="m"))

    again = await admin.post("/model/new", given(provider, id="m"))

    assert (409, "already_exists", "model_info.id") == error_of(again)


async def test_a_model_of_nobody_is_not_found(admin: Admin) -> None:
    replies = [
        await admin.post("/model/delete", {"id": "x"}),
        await admin.post("/model/update", {"model_id": "x"}),
        await admin.get("/model/info", {"litellm_model_id": "x"}),
    ]

    assert [404] * 3 == [error_of(reply)[0] for reply in replies]


async def test_a_key_sees_only_the_models_it_may_call(admin: Admin, provider: Provider) -> None:
    await admin.made("/model/new", **given(provider, "mine"))
    await admin.made("/model/new", **given(provider, "other"))
    key = (await admin.given_key(models=["mine"]))["key"]

    info = (await admin.get("/model/info", key=key)).json()["data"]
    groups = (await admin.get("/model_group/info", key=key)).json()["data"]

    assert (["mine"], ["mine"]) == (
        [entry["model_name"] for entry in info],
        [group["model_group"] for group in groups],
    )


async def test_models_are_shown_page_by_page(admin: Admin, provider: Provider) -> None:
    for n in range(3):
        await admin.made("/model/new", **given(provider, f"m{n}"))

    page = (await admin.get("/v2/model/info", {"page": "2", "size": "2"})).json()

    assert (["m2"], 3, 2) == (
        [entry["model_name"] for entry in page["data"]],
        page["total_count"],
        page["total_pages"],
    )


async def test_only_the_proxy_admin_changes_models_and_settings(admin: Admin) -> None:
    user = await admin.given_user()
    viewer = await admin.given_user("proxy_admin_viewer")

    replies = [
        await admin.post(path, {}, key=who["key"])
        for who in (user, viewer)
        for path in ("/model/new", "/model/delete", "/config/update", "/credentials", "/fallback")
    ]

    assert {401} == {reply.status_code for reply in replies}


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


async def test_after_the_key_was_replaced_every_secret_is_sealed_anew(
    admin: Admin, provider: Provider
) -> None:
    await admin.made("/model/new", **given(provider, id="m"))
    await admin.made("/credentials", credential_name="c", credential_values={"api_key": CANARY})
    await admin.made("/config/update", environment_variables={"MY_KEY": CANARY})
    both = Vault("new", [MASTER_KEY])

    count = await rotate_secrets(admin.state.desk.stores, both)

    overlay = await find_overlay(admin.state.desk.stores.postgres)
    assert (3, ()) == (count, merged({}, overlay, Vault("new")).problems)
    assert 0 == await rotate_secrets(admin.state.desk.stores, both)


async def test_another_master_key_opens_all_that_was_sealed(
    admin: Admin, provider: Provider
) -> None:
    await admin.made("/model/new", **given(provider, id="m"))
    new = "sk-another-master-key-of-the-tests"

    reply = await admin.made("/key/regenerate", key=MASTER_KEY, new_master_key=new)

    overlay = await find_overlay(admin.state.desk.stores.postgres)
    assert new == reply["key"]
    assert () == merged({}, overlay, Vault(new)).problems
    assert merged({}, overlay, Vault(MASTER_KEY)).problems
    (line,) = admin.sql("select * from litellm_auditlog where object_id = 'master_key'")
    assert new not in str(line)


@pytest.mark.parametrize("named", [{}, {"key": MASTER_KEY}, {"key": "own"}])
async def test_nobody_but_its_holder_exchanges_the_master_key(admin: Admin, named: Json) -> None:
    user = await admin.given_user("proxy_admin")
    body = {name: user["key"] if value == "own" else value for name, value in named.items()}
    new = {"new_master_key": "sk-another-master-key-of-the-tests"}

    replies = [
        await admin.post("/key/regenerate", body | new, key=user["key"]),
        await admin.post("/key/regenerate", {"key": user["key"]} | new),
        await admin.post("/key/regenerate", {"new_master_key": "sk-short-master-key"}),
    ]

    assert [403, 400, 400] == [reply.status_code for reply in replies]


async def test_where_a_salt_key_seals_another_master_key_needs_nothing(admin: Admin) -> None:
    state = admin.state
    desk = replace(state.desk, has_salt_key=True)
    transport = httpx.ASGITransport(make_admin(replace(state, desk=desk)))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        reply = await http.post(
            "/key/regenerate",
            json={"new_master_key": "sk-another-master-key-of-the-tests"},
            headers={"authorization": f"Bearer {MASTER_KEY}"},
        )

    assert (400, "invalid_request_error", "new_master_key") == error_of(reply)
    assert "TOLLGATE_PREVIOUS_SALT_KEYS" in reply.text


async def test_a_salt_key_is_exchanged_over_the_api(admin: Admin, provider: Provider) -> None:
    await admin.made("/model/new", **given(provider, id="m"))
    path = "/credentials/migrate-encryption"
    admin.state.desk.live.vault = Vault("new", [MASTER_KEY])

    dry = await admin.done("POST", f"{path}?dry_run=true")
    before = await admin.done("GET", f"{path}/check")
    done = await admin.done("POST", path)
    after = await admin.done("GET", f"{path}/check")

    reports = [reply["report"] for reply in (dry, before, done, after)]
    assert [(0, 1), (0, 1), (1, 0), (0, 0)] == [
        (report["migrated"], report["residual_legacy"]) for report in reports
    ]


async def test_a_credential_may_have_a_slash_in_its_name(admin: Admin) -> None:
    await admin.made("/credentials", credential_name="a/b", credential_values={"api_key": CANARY})

    shown = await admin.get("/credentials/by_name/a%2Fb")
    gone = await send(admin, "DELETE", "/credentials/a%2Fb")

    assert (200, "a/b", 200) == (
        shown.status_code,
        shown.json()["credential_name"],
        gone.status_code,
    )


async def test_the_defaults_of_a_models_calls_are_shown_as_they_were_given(
    admin: Admin, provider: Provider
) -> None:
    defaults = {
        "reasoning_effort": "low",
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "stop": ["a"],
        "temperature": 0.5,
    }
    entry: Json = model("new", provider.url, api_key=CANARY, **defaults)
    await admin.made("/model/new", **{**entry, "model_info": {"id": "m"}})

    shown = await admin.done("GET", "/model/info", {"litellm_model_id": "m"})

    (found,) = shown["data"]
    assert defaults.items() <= found["litellm_params"].items()
