"""Deployments, credentials and settings over HTTP: in force at once, and no secret ever shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of
from tests.admin.model_calls import CANARY, chat, everything, given, send

if TYPE_CHECKING:
    import httpx

    from tests.admin.asking import Admin, Json
    from tests.provider import Provider


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
    entry = given(provider, id="m")
    entry["litellm_params"] |= defaults
    await admin.made("/model/new", **entry)

    shown = await admin.done("GET", "/model/info", {"litellm_model_id": "m"})

    (found,) = shown["data"]
    assert defaults.items() <= found["litellm_params"].items()
