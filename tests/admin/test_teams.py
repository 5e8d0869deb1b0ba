"""Teams are made, changed, blocked and shown as LiteLLM does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json


async def test_a_team_has_the_fields_it_was_given(admin: Admin) -> None:
    fields: Json = {
        "team_id": "a:b{c}",
        "team_alias": "Die Ä",
        "models": ["gpt-4o"],
        "max_budget": 100,
        "tpm_limit": 5,
        "model_aliases": {"small": "gpt-4o-mini"},
        "metadata": {"x": 1},
        "organization_id": "org",
    }
    await admin.made("/organization/new", organization_id="org")
    await admin.made("/team/new", **fields)

    reply = (await admin.get("/team/info", {"team_id": "a:b{c}"})).json()

    assert fields == {name: reply["team_info"][name] for name in fields}


async def test_a_team_that_exists_is_not_made_again(admin: Admin) -> None:
    await admin.given_team(team_id="t")

    reply = await admin.post("/team/new", {"team_id": "t"})

    assert (400, "invalid_request_error", "team_id") == error_of(reply)
    assert "Please use a different team id" in reply.json()["error"]["message"]


async def test_members_are_users_of_the_team_also_new_ones(admin: Admin) -> None:
    known = (await admin.given_user(user_email="a@b.c"))["user_id"]
    members = [
        {"role": "admin", "user_email": "a@b.c"},
        {"role": "user", "user_id": "new"},
        {"role": "user", "user_email": "new@b.c"},
    ]

    team = await admin.given_team(members_with_roles=members)

    users = admin.sql("select user_id, user_email, teams from litellm_usertable order by 1")
    assert {"a@b.c", "new@b.c", None} == {user["user_email"] for user in users}
    assert {known, "new"} < {user["user_id"] for user in users}
    assert [[team["team_id"]]] * 3 == [user["teams"] for user in users]
    assert 3 == admin.rows()["litellm_teammembership"]


async def test_who_makes_a_team_is_its_admin(admin: Admin) -> None:
    maker = await admin.given_user("proxy_admin")

    reply = await admin.post("/team/new", {}, key=maker["key"])

    member = {"role": "admin", "user_id": maker["user_id"], "user_email": None}
    assert [member] == reply.json()["members_with_roles"]


async def test_an_update_changes_what_it_names_and_nothing_else(admin: Admin) -> None:
    team = await admin.given_team(models=["a"], max_budget=1)

    reply = await admin.made("/team/update", team_id=team["team_id"], max_budget=2)

    assert (["a"], 2) == (reply["data"]["models"], reply["data"]["max_budget"])


async def test_a_blocked_team_refuses_all_its_keys_at_once(admin: Admin) -> None:
    team_id = (await admin.given_team())["team_id"]
    keys = [(await admin.given_key(team_id=team_id))["key"] for _ in range(3)]
    assert {200} == {(await admin.get("/key/info", key=key)).status_code for key in keys}

    await admin.made("/team/block", team_id=team_id)

    assert {401} == {(await admin.get("/key/info", key=key)).status_code for key in keys}


async def test_an_unblocked_team_lets_its_keys_in_again(admin: Admin) -> None:
    team_id = (await admin.given_team(blocked=True))["team_id"]
    key = (await admin.given_key(team_id=team_id))["key"]

    await admin.made("/team/unblock", team_id=team_id)

    assert 200 == (await admin.get("/key/info", key=key)).status_code


@pytest.mark.parametrize("route", ["/team/update", "/team/block", "/team/unblock"])
async def test_a_change_of_an_unknown_team_is_404(admin: Admin, route: str) -> None:
    reply = await admin.post(route, {"team_id": "nobody's"})

    assert (404, "not_found_error", "team_id") == error_of(reply)


async def test_an_unknown_team_is_404(admin: Admin) -> None:
    reply = await admin.get("/team/info", {"team_id": "nobody's"})

    assert (404, "not_found_error", "team_id") == error_of(reply)


async def test_a_teams_keys_are_shown_without_their_hashes(admin: Admin) -> None:
    team_id = (await admin.given_team())["team_id"]
    made = await admin.given_key(team_id=team_id, key_alias="mine")

    reply = await admin.get("/team/info", {"team_id": team_id})

    assert ["mine"] == [key["key_alias"] for key in reply.json()["keys"]]
    assert made["token"] not in reply.text
