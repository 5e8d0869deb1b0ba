"""Users are made, changed and shown as LiteLLM does it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json


async def test_a_new_user_gets_a_key(admin: Admin) -> None:
    made = await admin.given_user(user_email="a@b.c", key_alias="first")

    info = await admin.info(made["key"])

    assert (made["user_id"], "first") == (info["user_id"], info["key_alias"])


async def test_a_new_user_gets_no_key_where_none_is_wanted(admin: Admin) -> None:
    made = await admin.given_user(auto_create_key=False)

    assert not made["key"]
    assert 0 == admin.rows()["litellm_verificationtoken"]


async def test_a_user_has_the_fields_they_were_given(admin: Admin) -> None:
    fields: Json = {
        "user_id": "a:b{c}",
        "user_email": "a@b.c",
        "user_alias": "Ä",
        "user_role": "proxy_admin_viewer",
        "models": ["gpt-4o"],
        "max_budget": 0.3,
        "rpm_limit": 6,
        "metadata": {"x": [1]},
    }
    await admin.made("/user/new", **fields)

    reply = (await admin.get("/user/info", {"user_id": "a:b{c}"})).json()

    assert fields == {name: reply["user_info"][name] for name in fields}


@pytest.mark.parametrize("field", ["user_id", "user_email"])
async def test_a_user_that_exists_is_not_made_again(admin: Admin, field: str) -> None:
    await admin.given_user(**{field: "a@b.c"})
    before = admin.rows()

    reply = await admin.post("/user/new", {field: "a@b.c"})

    assert (409, "already_exists", field) == error_of(reply)
    assert before == admin.rows()


async def test_a_taken_key_alias_leaves_no_user_behind(admin: Admin) -> None:
    await admin.given_key(key_alias="taken")
    before = admin.rows()

    reply = await admin.post("/user/new", {"user_id": "u", "key_alias": "taken"})

    assert (400, "invalid_request_error", "key_alias") == error_of(reply)
    assert before == admin.rows()


async def test_a_new_user_joins_teams(admin: Admin) -> None:
    team = await admin.given_team()
    user = await admin.given_user(teams=[team["team_id"]])

    reply = (await admin.get("/team/info", {"team_id": team["team_id"]})).json()

    member = {"role": "user", "user_id": user["user_id"], "user_email": None}
    assert [team["team_id"]] == user["teams"]
    assert member in reply["team_info"]["members_with_roles"]
    assert [user["user_id"]] == [m["user_id"] for m in reply["team_memberships"]]


async def test_a_new_user_cannot_join_a_team_that_is_not_there(admin: Admin) -> None:
    before = admin.rows()

    reply = await admin.post("/user/new", {"teams": ["nobody's"]})

    assert (400, "invalid_request_error", "teams") == error_of(reply)
    assert before == admin.rows()


async def test_a_user_is_shown_with_their_keys_and_teams(admin: Admin) -> None:
    team = await admin.given_team()
    user = await admin.given_user(teams=[team["team_id"]])
    await admin.given_key()

    reply = (await admin.get("/user/info", {"user_id": user["user_id"]})).json()

    assert [user["token"]] == [key["token"] for key in reply["keys"]]
    assert [team["team_id"]] == [one["team_id"] for one in reply["teams"]]


async def test_an_unknown_user_is_404(admin: Admin) -> None:
    reply = await admin.get("/user/info", {"user_id": "nobody"})

    assert (404, "not_found_error", "user_id") == error_of(reply)


async def test_an_update_changes_what_it_names_and_nothing_else(admin: Admin) -> None:
    user_id = (await admin.given_user(models=["a"], max_budget=1))["user_id"]

    reply = await admin.made("/user/update", user_id=user_id, max_budget=2, user_role="proxy_admin")

    data = reply["data"]
    assert (["a"], 2, "proxy_admin") == (data["models"], data["max_budget"], data["user_role"])


async def test_an_update_may_name_the_user_by_address(admin: Admin) -> None:
    user_id = (await admin.given_user(user_email="a@b.c"))["user_id"]

    reply = await admin.made("/user/update", user_email="a@b.c", rpm_limit=3)

    assert (user_id, 3) == (reply["user_id"], reply["data"]["rpm_limit"])


@pytest.mark.parametrize("name", [{"user_id": "nobody"}, {"user_email": "no@bo.dy"}])
async def test_an_update_of_an_unknown_user_is_404(admin: Admin, name: Json) -> None:
    reply = await admin.post("/user/update", {**name, "rpm_limit": 1})

    assert 404 == error_of(reply)[0]


async def test_an_update_that_names_nobody_is_refused(admin: Admin) -> None:
    reply = await admin.post("/user/update", {"rpm_limit": 1})

    assert (400, "invalid_request_error", "user_id") == error_of(reply)
