"""Who may do what: an allow-list by role, then row by row."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from functions.admin.app import SUBJECTS
from functions.admin.caller import admit
from tests.admin.asking import error_of

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

    from tests.admin.asking import Admin, Json

PUBLIC = {"/health/liveliness", "/health/liveness", "/health/readiness"}
ADMINS_ONLY = {
    "/key/block": {"key": "sk-x"},
    "/key/unblock": {"key": "sk-x"},
    "/user/new": {},
    "/team/new": {},
    "/team/update": {"team_id": "t"},
    "/team/block": {"team_id": "t"},
    "/team/unblock": {"team_id": "t"},
}
OWN_WRITES = {
    "/key/generate": {},
    "/key/update": {"key": "sk-x"},
    "/key/delete": {"keys": ["sk-x"]},
}


def routes() -> list[APIRoute]:
    return [cast("APIRoute", route) for subject in SUBJECTS for route in subject.router.routes]


def test_every_route_but_the_public_ones_asks_who_calls() -> None:
    open_routes = {
        route.path
        for route in routes()
        if admit not in [dependency.call for dependency in route.dependant.dependencies]
    }

    assert PUBLIC == open_routes


@pytest.mark.parametrize("route", [*ADMINS_ONLY, *OWN_WRITES])
async def test_without_a_key_nothing_is_served(admin: Admin, route: str) -> None:
    reply = await admin.http.post(route, json={})

    assert (401, "auth_error", None) == error_of(reply)


@pytest.mark.parametrize("role", ["internal_user", "internal_user_viewer", "proxy_admin_viewer"])
@pytest.mark.parametrize("route", ADMINS_ONLY)
async def test_only_admins_change_users_teams_and_blocks(
    admin: Admin, role: str, route: str
) -> None:
    user = await admin.given_user(role)
    before = admin.rows()

    reply = await admin.post(route, ADMINS_ONLY[route], key=user["key"])

    assert (401, "auth_error", None) == error_of(reply)
    assert "Only proxy admin can be used" in reply.json()["error"]["message"]
    assert before == admin.rows()


@pytest.mark.parametrize("role", ["internal_user_viewer", "proxy_admin_viewer"])
@pytest.mark.parametrize("route", OWN_WRITES)
async def test_viewers_change_nothing(admin: Admin, role: str, route: str) -> None:
    user = await admin.given_user(role)

    reply = await admin.post(route, OWN_WRITES[route], key=user["key"])

    assert (401, "auth_error", None) == error_of(reply)


@pytest.mark.parametrize("route", [*ADMINS_ONLY, *OWN_WRITES])
async def test_a_key_of_nobody_changes_nothing(admin: Admin, route: str) -> None:
    key = (await admin.given_key())["key"]

    reply = await admin.post(route, (ADMINS_ONLY | OWN_WRITES)[route], key=key)

    assert (401, "auth_error", None) == error_of(reply)


async def test_a_proxy_admin_may_all_the_master_key_may(admin: Admin) -> None:
    key = (await admin.given_user("proxy_admin"))["key"]

    replies = [
        await admin.post("/user/new", {"user_id": "u"}, key=key),
        await admin.post("/team/new", {"team_id": "t"}, key=key),
        await admin.post("/key/generate", {"user_id": "u", "team_id": "t"}, key=key),
        await admin.get("/user/info", {"user_id": "u"}, key=key),
    ]

    assert [200] * 4 == [reply.status_code for reply in replies]


async def test_a_viewer_of_everything_sees_the_rows_of_others(admin: Admin) -> None:
    viewer = await admin.given_user("proxy_admin_viewer")
    other = await admin.given_user()
    team = await admin.given_team()

    replies = [
        await admin.get("/key/info", {"key": other["key"]}, key=viewer["key"]),
        await admin.get("/user/info", {"user_id": other["user_id"]}, key=viewer["key"]),
        await admin.get("/team/info", {"team_id": team["team_id"]}, key=viewer["key"]),
    ]

    assert [200] * 3 == [reply.status_code for reply in replies]


async def test_a_user_makes_keys_for_themselves(admin: Admin) -> None:
    user = await admin.given_user()

    reply = await admin.post("/key/generate", {"max_budget": 1}, key=user["key"])

    assert (200, user["user_id"]) == (reply.status_code, reply.json()["user_id"])


@pytest.mark.parametrize(
    "fields",
    [
        {"user_id": "somebody else"},
        {"team_id": "t"},
        {"permissions": {"get_spend_routes": True}},
        {"spend": 1},
        {"organization_id": "o"},
    ],
)
async def test_a_user_cannot_give_a_key_what_is_not_theirs(admin: Admin, fields: Json) -> None:
    user = await admin.given_user()
    before = admin.rows()

    reply = await admin.post("/key/generate", fields, key=user["key"])

    assert (403, "permission_denied") == error_of(reply)[:2]
    assert before == admin.rows()


@pytest.mark.parametrize(
    "fields",
    [
        {"max_budget": 1_000},
        {"max_budget": None},
        {"spend": 0},
        {"rpm_limit": 10},
        {"models": []},
        {"allowed_routes": []},
        {"user_id": "somebody else"},
        {"team_id": None},
        {"duration": "30d"},
        {"blocked": False},
        {"permissions": {}},
    ],
)
async def test_a_user_cannot_widen_their_own_key(admin: Admin, fields: Json) -> None:
    user = await admin.given_user()

    reply = await admin.post("/key/update", {"key": user["key"], **fields}, key=user["key"])

    assert (403, "permission_denied") == error_of(reply)[:2]


async def test_a_user_renames_and_deletes_their_own_key(admin: Admin) -> None:
    user = await admin.given_user()
    own = (await admin.post("/key/generate", {}, key=user["key"])).json()["key"]

    renamed = await admin.post("/key/update", {"key": own, "key_alias": "n"}, key=user["key"])
    deleted = await admin.post("/key/delete", {"keys": [own]}, key=user["key"])

    assert (200, 200) == (renamed.status_code, deleted.status_code)


@pytest.mark.parametrize("route", ["/key/update", "/key/delete"])
async def test_a_user_cannot_tell_the_key_of_another_from_one_that_is_not_there(
    admin: Admin, route: str
) -> None:
    user, other = await admin.given_user(), await admin.given_user(key_alias="other")
    bodies = [{"key": key, "keys": [key]} for key in (other["key"], "sk-nobody-has-this-one")]
    if route == "/key/delete":
        bodies += [{"key_aliases": [alias]} for alias in ("other", "nobody's")]

    replies = [await admin.post(route, body, key=user["key"]) for body in bodies]

    assert 404 == error_of(replies[0])[0]
    assert 1 == len({reply.text for reply in replies})


@pytest.mark.parametrize("route", ["/key/info", "/user/info", "/team/info"])
async def test_a_user_cannot_tell_rows_of_others_from_those_that_are_not_there(
    admin: Admin, route: str
) -> None:
    user, other, team = await admin.given_user(), await admin.given_user(), await admin.given_team()
    named = {"key": other["key"], "user_id": other["user_id"], "team_id": team["team_id"]}
    unknown = dict.fromkeys(named, "sk-nobody-has-this-one")

    there = await admin.get(route, named, key=user["key"])
    nowhere = await admin.get(route, unknown, key=user["key"])

    assert (403, "permission_denied") == error_of(there)[:2]
    told = there.text.replace(team["team_id"], "sk-nobody-has-this-one")
    assert nowhere.text == told


async def test_a_user_sees_themselves(admin: Admin) -> None:
    user = await admin.given_user()

    reply = await admin.get("/user/info", key=user["key"])

    assert (200, user["user_id"]) == (reply.status_code, reply.json()["user_id"])


async def test_a_user_lists_their_own_keys_only(admin: Admin) -> None:
    user = await admin.given_user()
    await admin.given_key()

    own = await admin.get("/key/list", key=user["key"])
    of_others = await admin.get("/key/list", {"user_id": "somebody else"}, key=user["key"])

    assert [user["token"]] == own.json()["keys"]
    assert 403 == error_of(of_others)[0]


async def test_a_member_sees_their_team_but_not_the_keys_of_others(admin: Admin) -> None:
    user = await admin.given_user()
    team = await admin.given_team(
        members_with_roles=[
            {"role": "user", "user_id": user["user_id"]},
            {"role": "user", "user_id": "v"},
        ]
    )
    await admin.given_key(team_id=team["team_id"], user_id="v")
    await admin.given_key(team_id=team["team_id"], user_id=user["user_id"])

    reply = (await admin.get("/team/info", {"team_id": team["team_id"]}, key=user["key"])).json()

    assert [user["user_id"]] == [key["user_id"] for key in reply["keys"]]
    assert [user["user_id"]] == [one["user_id"] for one in reply["team_memberships"]]


async def test_a_changed_role_counts_from_the_next_request(admin: Admin) -> None:
    user = await admin.given_user("proxy_admin")
    first = await admin.post("/team/new", {}, key=user["key"])

    await admin.made("/user/update", user_id=user["user_id"], user_role="internal_user")
    second = await admin.post("/team/new", {}, key=user["key"])

    assert (200, 401) == (first.status_code, second.status_code)


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        (["llm_api_routes"], 403),
        (["/v1/chat/completions"], 403),
        (["info_routes"], 403),
        (["/key"], 200),
        (["/key/*"], 200),
        (["/key/generate"], 200),
        (["/key/gen"], 403),
        (["management_routes"], 200),
    ],
)
async def test_a_keys_own_list_of_routes_holds_here_too(
    admin: Admin, allowed: list[str], status: int
) -> None:
    user = await admin.given_user()
    made = await admin.given_key(user_id=user["user_id"], allowed_routes=allowed)

    reply = await admin.post("/key/generate", {}, key=made["key"])

    assert status == reply.status_code


@pytest.mark.parametrize("state", [{"blocked": True}, {"duration": "1s"}])
async def test_a_blocked_or_expired_admins_key_opens_nothing(admin: Admin, state: Json) -> None:
    user = await admin.given_user("proxy_admin")
    made = await admin.given_key(user_id=user["user_id"], **state)
    admin.sql("update litellm_verificationtoken set expires = now() where expires is not null")
    await admin.made("/key/update", key=made["key"], key_alias="published")

    reply = await admin.post("/team/new", {}, key=made["key"])

    assert 401 == error_of(reply)[0]


async def test_a_hash_is_no_key(admin: Admin) -> None:
    user = await admin.given_user("proxy_admin")

    reply = await admin.get("/key/list", key=user["token"])

    assert (401, "auth_error", None) == error_of(reply)


async def test_only_admins_act_on_behalf_of_somebody(admin: Admin) -> None:
    user = await admin.given_user()

    await admin.post("/key/generate", {"key_alias": "n"}, key=user["key"], changed_by="the boss")

    lines = admin.sql("select changed_by from litellm_auditlog order by updated_at desc limit 1")
    assert [{"changed_by": user["user_id"]}] == lines


async def test_the_path_that_is_sent_does_not_decide_who_may(admin: Admin) -> None:
    user = await admin.given_user()

    replies = [
        await admin.post(path, {}, key=user["key"])
        for path in ("/team/new?x=/key/generate", "/key/generate/../../team/new", "/team/new/")
    ]

    assert {401, 404} >= {reply.status_code for reply in replies}
    assert 0 == admin.rows()["litellm_teamtable"]


async def test_the_host_that_is_sent_does_not_decide_who_may(admin: Admin) -> None:
    user = await admin.given_user()
    headers = {"authorization": f"Bearer {user['key']}", "host": "x/health/liveliness?"}

    reply = await admin.http.post("/team/new", json={}, headers=headers)

    assert 400 == error_of(reply)[0]
    assert 0 == admin.rows()["litellm_teamtable"]
