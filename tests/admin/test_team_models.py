"""A team's own models: made by its admins, called by its keys, out of everybody else's way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from functions.proxy.app import make_app
from shared.auth.directory import Directory
from shared.config.live import LiveConfig
from shared.gateway.gateway import Gateway
from shared.storage.stores import Stores
from tests.admin.asking import MASTER_KEY, error_of
from tests.gateway.given import model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.admin.asking import Admin, Json
    from tests.provider import Provider

OWN_KEY = "sk-canary-the-team-brought"


@pytest.fixture
def theirs(other: Provider) -> Provider:
    """Where the team's deployments are."""
    return other


@pytest.fixture
async def gateway(admin: Admin, provider: Provider) -> AsyncIterator[httpx.AsyncClient]:
    """Another process, whose file has a model and a wildcard for all."""
    settings, stores = admin.state.settings, Stores.open(admin.state.settings)
    everything = model("openai/*", provider.url, model="openai/*")
    file: Json = {"model_list": [model("shared", provider.url), everything]}
    live = LiveConfig.over(file, settings, stores, {})
    app = make_app(Gateway(settings, live.current, stores, Directory(stores), live))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://gateway"
    ) as http:
        yield http
    await stores.close()


async def chat(gateway: httpx.AsyncClient, name: str, key: str) -> int:
    body = {"model": name, "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 9}
    headers = {"authorization": f"Bearer {key}"}
    return (await gateway.post("/v1/chat/completions", json=body, headers=headers)).status_code


class Team:
    """A team with an admin and a key."""

    def __init__(self, admin: Admin, row: Json, admin_key: str, key: str) -> None:
        self.admin, self.id, self.admin_key, self.key = admin, row["team_id"], admin_key, key

    @classmethod
    async def given(cls, admin: Admin, **fields: Json) -> Team:
        user = await admin.given_user()
        members = [{"role": "admin", "user_id": user["user_id"]}]
        row = await admin.given_team(members_with_roles=members, **fields)
        key = (await admin.given_key(team_id=row["team_id"]))["key"]
        return cls(admin, row, user["key"], key)

    async def makes(self, name: str, provider: Provider, **params: Any) -> httpx.Response:  # noqa: ANN401 - any parameter
        entry: Any = model(name, provider.url, **{"api_key": OWN_KEY, **params})
        entry["model_info"] = {"team_id": self.id}
        return await self.admin.post("/model/new", entry, key=self.admin_key)


async def test_a_teams_admin_makes_a_model_that_only_the_team_calls(
    admin: Admin, gateway: httpx.AsyncClient, provider: Provider, theirs: Provider
) -> None:
    team, stranger = await Team.given(admin), await Team.given(admin)

    made = await team.makes("ours", theirs)

    assert 200 == made.status_code
    assert "ours" == made.json()["model_info"]["team_public_model_name"]
    statuses = [await chat(gateway, "ours", key) for key in (team.key, stranger.key, MASTER_KEY)]
    assert [200, 400, 400] == statuses
    assert (1, []) == (len(theirs.requests), provider.requests)
    assert f"Bearer {OWN_KEY}" == theirs.requests[0].headers["authorization"]
    assert OWN_KEY not in made.text


async def test_a_teams_list_of_models_does_not_keep_it_from_its_own(
    admin: Admin, gateway: httpx.AsyncClient, theirs: Provider
) -> None:
    team = await Team.given(admin, models=["shared"])
    all_of_team = await admin.given_key(team_id=team.id, models=["all-team-models"])
    narrow = await admin.given_key(team_id=team.id, models=["shared"])

    await team.makes("ours", theirs)

    keys = (team.key, all_of_team["key"], narrow["key"])
    assert [200, 200, 403] == [await chat(gateway, "ours", key) for key in keys]


@pytest.mark.parametrize("name", ["shared", "openai/gpt-4o", "openai/*", "*"])
async def test_a_teams_model_shadows_nothing_of_anybody_else(
    admin: Admin, gateway: httpx.AsyncClient, provider: Provider, theirs: Provider, name: str
) -> None:
    team, stranger = await Team.given(admin), await Team.given(admin)
    upstream = "openai/*" if "*" in name else "openai/fake-model"

    await team.makes(name, theirs, model=upstream)

    asked = "openai/gpt-4o" if "*" in name else name
    statuses = [await chat(gateway, asked, key) for key in (stranger.key, MASTER_KEY)]
    assert ([200, 200], []) == (statuses, theirs.requests)
    assert 2 == len(provider.requests)


async def test_an_access_group_of_a_teams_model_opens_nobody_elses(
    admin: Admin, gateway: httpx.AsyncClient, theirs: Provider
) -> None:
    team = await Team.given(admin)
    entry: Any = model("shared", theirs.url, api_key=OWN_KEY)
    entry["model_info"] = {"team_id": team.id, "access_groups": ["beta"]}
    await admin.post("/model/new", entry, key=team.admin_key)
    key = (await admin.given_key(models=["beta"]))["key"]

    assert 403 == await chat(gateway, "shared", key)


async def test_models_are_shown_to_whom_they_are_for(
    admin: Admin, gateway: httpx.AsyncClient, theirs: Provider
) -> None:
    team, stranger = await Team.given(admin), await Team.given(admin)
    await team.makes("ours", theirs)

    async def seen(key: str) -> tuple[bool, bool, bool]:
        headers = {"authorization": f"Bearer {key}"}
        listed = (await gateway.get("/v1/models", headers=headers)).text
        info = (await admin.get("/model/info", key=key)).text
        groups = (await admin.get("/model_group/info", key=key)).text
        return "ours" in listed, theirs.url in info, "ours" in groups

    assert (True, True, True) == await seen(team.key)
    assert (False, False, False) == await seen(stranger.key)
    assert theirs.url in (await admin.get("/model/info")).text


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"api_key": "os.environ/OPENAI_API_KEY"}, "litellm_params"),
        ({"api_key": ""}, "api_key"),
        ({"api_key": None}, "api_key"),
        ({"litellm_credential_name": "the-operators"}, "litellm_credential_name"),
        ({"model": "bedrock/anthropic.claude"}, "litellm_params.model"),
        ({"aws_role_name": "admin"}, "litellm_params"),
        ({"extra_headers": {"x": "os.environ/HOME"}}, "litellm_params"),
    ],
)
async def test_a_teams_admin_brings_a_key_and_takes_none(
    admin: Admin, theirs: Provider, params: Json, param: str
) -> None:
    team = await Team.given(admin)

    reply = await team.makes("ours", theirs, **params)

    assert (403, "permission_denied", param) == error_of(reply)
    assert 0 == admin.sql("select count(*) as n from litellm_proxymodeltable")[0]["n"]


async def test_a_key_that_lies_in_a_model_is_sent_nowhere_else(
    admin: Admin, theirs: Provider
) -> None:
    team = await Team.given(admin)
    entry: Any = model("given", theirs.url, api_key="sk-canary-the-operators")
    entry["model_info"] = {"team_id": team.id, "id": "m"}
    await admin.made("/model/new", **entry)

    changes = [
        {"api_base": "http://127.0.0.1:1/v1"},
        {"model": "openai/other"},
        {"api_key": None},
        {"rpm": 5},
    ]
    replies = [
        await admin.post(
            "/model/update", {"model_id": "m", "litellm_params": change}, key=team.admin_key
        )
        for change in changes
    ]

    assert [403, 403, 403, 200] == [reply.status_code for reply in replies]


async def test_nobody_touches_the_models_of_others(admin: Admin, theirs: Provider) -> None:
    team, stranger = await Team.given(admin), await Team.given(admin)
    made = (await team.makes("ours", theirs)).json()
    everybodys = await admin.made("/model/new", **model("all", theirs.url))
    moved = {"litellm_params": {"rpm": 1}, "model_info": {"team_id": stranger.id}}
    row = "select * from litellm_proxymodeltable order by model_id"
    before = admin.sql(row)

    statuses = [
        (await admin.send(method, path, body, key=stranger.admin_key)).status_code
        for one in (made["model_id"], everybodys["model_id"], "nowhere")
        for method, path, body in (
            ("POST", "/model/delete", {"id": one}),
            ("POST", "/model/block", {"id": one}),
            ("POST", "/model/update", {"model_id": one, **moved}),
            ("PATCH", f"/model/{one}/update", moved),
        )
    ]
    alone = await admin.post("/model/new", model("all", theirs.url), key=team.admin_key)

    assert ([404] * 12, 403) == (statuses, alone.status_code)
    assert before == admin.sql(row)


async def test_a_teams_admin_renames_and_deletes_its_model(
    admin: Admin, gateway: httpx.AsyncClient, theirs: Provider
) -> None:
    team = await Team.given(admin)
    made = (await team.makes("ours", theirs)).json()
    body = {"model_id": made["model_id"], "model_name": "renamed"}

    renamed = await admin.post("/model/update", body, key=team.admin_key)
    after = [await chat(gateway, name, team.key) for name in ("renamed", "ours")]
    deleted = await admin.post("/model/delete", {"id": made["model_id"]}, key=team.admin_key)

    assert (200, [200, 400], 200) == (renamed.status_code, after, deleted.status_code)
    assert made["model_name"] == renamed.json()["model_name"]
    assert 400 == await chat(gateway, "renamed", team.key)
