"""Teams that anybody may join, one's own place in a team, and what a team does not have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of, own

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json


async def given_open_team(admin: Admin, **fields: Json) -> str:
    team_id = own("open")
    await admin.given_team(team_id=team_id, **fields)
    params = {"default_internal_user_params": {"available_teams": [team_id]}}
    await admin.made("/config/update", litellm_settings=params)
    return team_id


async def test_a_user_joins_an_open_team(admin: Admin) -> None:
    team = await given_open_team(admin, metadata={"secret": "theirs"})
    user = await admin.given_user()
    key, user_id = user["key"], user["user_id"]

    before = (await admin.get("/team/available", key=key)).json()
    body = {"team_id": team, "member": {"role": "user", "user_id": user_id}}
    joined = await admin.post("/team/member_add", body, key=key)
    after = (await admin.get("/team/available", key=key)).json()
    mine = (await admin.get(f"/team/{team}/members/me", key=key)).json()

    assert ([(team, [], {})], 200, []) == (
        [(one["team_id"], one["members_with_roles"], one["metadata"]) for one in before],
        joined.status_code,
        after,
    )
    assert ("user", 0, user_id) == (mine["role"], mine["spend"], mine["user_id"])


@pytest.mark.parametrize(
    "change",
    [
        {"member": {"role": "admin"}},
        {"member": {"role": "user", "user_id": "somebody"}},
        {"max_budget_in_team": 1_000},
        {"team_id": "closed"},
    ],
)
async def test_a_user_joins_nothing_else_and_as_nothing_more(admin: Admin, change: Json) -> None:
    team = await given_open_team(admin)
    await admin.given_team(team_id=own("closed"))
    user = await admin.given_user()
    member = {"role": "user", "user_id": user["user_id"], **change.pop("member", {})}
    before = admin.rows()

    reply = await admin.post(
        "/team/member_add", {"team_id": team, "member": member, **change}, key=user["key"]
    )

    assert 403 == error_of(reply)[0]
    assert before == admin.rows()


async def test_who_is_not_in_a_team_has_no_place_in_it(admin: Admin) -> None:
    team = (await admin.given_team())["team_id"]
    user = await admin.given_user()

    statuses = [
        (await admin.get(f"/team/{which}/members/me", key=user["key"])).status_code
        for which in (team, "nowhere")
    ]

    assert [404, 404] == statuses


async def test_permissions_are_added_to_many_teams(admin: Admin) -> None:
    teams = [
        (await admin.given_team(team_member_permissions=["/key/info"]))["team_id"] for _ in range(2)
    ]

    reply = await admin.made(
        "/team/permissions_bulk_update", permissions=["/key/list"], team_ids=teams
    )

    assert 2 == reply["teams_updated"]
    for team in teams:
        found = await admin.get("/team/permissions_list", {"team_id": team})
        assert ["/key/info", "/key/list"] == found.json()["team_member_permissions"]


async def test_permissions_are_for_named_teams_or_all(admin: Admin) -> None:
    bodies = [
        {"permissions": ["/key/list"]},
        {"permissions": ["/key/list"], "team_ids": ["t"], "apply_to_all_teams": True},
    ]

    assert [400, 400] == [
        (await admin.post("/team/permissions_bulk_update", body)).status_code for body in bodies
    ]


async def test_a_callback_that_nothing_would_call_is_refused(admin: Admin) -> None:
    team = (await admin.given_team())["team_id"]
    secrets = {"langfuse_secret_key": "canary-of-langfuse"}
    body = {"callback_name": "langfuse", "callback_vars": secrets}

    reply = await admin.post(f"/team/{team}/callback", body)
    shown = (await admin.get(f"/team/{team}/callback")).json()
    gone = await admin.send("DELETE", f"/team/{team}/callback/langfuse")
    off = await admin.post(f"/team/{team}/disable_logging")

    assert (400, "invalid_request_error", "callback_name") == error_of(reply)
    assert "canary" not in reply.text
    none = {"team_id": team, "success_callbacks": [], "failure_callbacks": []}
    assert {"status": "success", "data": {**none, "callback_vars": {}}} == shown
    assert (404, none) == (gone.status_code, off.json()["data"])


async def test_a_good_key_is_healthy(admin: Admin) -> None:
    key = (await admin.given_key())["key"]

    reply = await admin.post("/key/health", key=key)

    assert {"key": "healthy", "logging_callbacks": None} == reply.json()


async def test_a_new_user_goes_into_teams_with_a_role_and_a_budget(admin: Admin) -> None:
    first, second = [(await admin.given_team())["team_id"] for _ in range(2)]
    limited = {"team_id": first, "user_role": "admin", "max_budget_in_team": 2.5}

    user = await admin.given_user(teams=[limited, second])

    info = (await admin.get("/team/info", {"team_id": first})).json()
    (member,) = [
        one for one in info["team_info"]["members_with_roles"] if one["user_id"] == user["user_id"]
    ]
    (place,) = [one for one in info["team_memberships"] if one["user_id"] == user["user_id"]]
    assert ("admin", 2.5) == (member["role"], place["litellm_budget_table"]["max_budget"])
    assert {first, second} == set(user["teams"])


async def test_an_unknown_team_makes_no_user(admin: Admin) -> None:
    user_id = own("user")

    reply = await admin.post("/user/new", {"user_id": user_id, "teams": [{"team_id": "none"}]})

    assert (400, "invalid_request_error", "teams") == error_of(reply)
    assert 404 == (await admin.get("/user/info", {"user_id": user_id})).status_code


async def test_roles_are_told(admin: Admin) -> None:
    roles = (await admin.get("/user/available_roles")).json()

    assert {"proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"} == (
        roles.keys()
    )
