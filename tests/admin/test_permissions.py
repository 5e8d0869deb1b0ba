"""Every route by every role: who is let in, and that nobody else leaves a trace."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pytest

from functions.admin.app import SUBJECTS
from functions.admin.caller import admit
from shared.admin.permissions import PERMITTED, Standing
from tests.admin.asking import MASTER_KEY, error_of, own
from tests.admin.attempts import attempts

if TYPE_CHECKING:
    from fastapi.routing import APIRoute

    from tests.admin.asking import Admin, Json

ROLES = [*Standing]


def guarded_routes() -> list[str]:
    """Each route that asks who calls, as the table names it."""
    found = [cast("APIRoute", route) for subject in SUBJECTS for route in subject.router.routes]
    return sorted(
        f"{method} {route.path}"
        for route in found
        if admit in [dependency.call for dependency in route.dependant.dependencies]
        for method in route.methods or ()
    )


def filled(path: str) -> str:
    """Put something that is not there into every place of a path."""
    return re.sub(r"\{[^}]+\}", lambda _: own("sk-nobodys"), path)


@dataclass
class House:
    """An organisation with a team, and a key of everybody who is something to them."""

    keys: dict[Standing, str]
    organization_id: str
    team_id: str


@pytest.fixture(scope="session")
async def house(lasting: Admin) -> House:
    org, team = own("org"), own("team")
    await lasting.made("/organization/new", organization_id=org, organization_alias=org)
    users = {
        standing: await lasting.given_user(role)
        for standing, role in (
            (Standing.PROXY_ADMIN, "proxy_admin"),
            (Standing.PROXY_ADMIN_VIEWER, "proxy_admin_viewer"),
            (Standing.ORG_ADMIN, "internal_user"),
            (Standing.TEAM_ADMIN, "internal_user"),
            (Standing.INTERNAL_USER, "internal_user"),
            (Standing.INTERNAL_USER_VIEWER, "internal_user_viewer"),
        )
    }
    ids = {standing: user["user_id"] for standing, user in users.items()}
    member = {"role": "org_admin", "user_id": ids[Standing.ORG_ADMIN]}
    await lasting.made("/organization/member_add", organization_id=org, member=member)
    members = [
        {"role": "admin", "user_id": ids[Standing.TEAM_ADMIN]},
        {"role": "user", "user_id": ids[Standing.INTERNAL_USER]},
        {"role": "user", "user_id": ids[Standing.INTERNAL_USER_VIEWER]},
    ]
    await lasting.given_team(team_id=team, organization_id=org, members_with_roles=members)
    keys = {standing: user["key"] for standing, user in users.items()}
    keys[Standing.TEAM] = (await lasting.given_key(team_id=team))["key"]
    keys[Standing.CUSTOMER] = (await lasting.given_key())["key"]
    return House(keys, org, team)


def test_the_table_has_every_route_and_no_other() -> None:
    assert guarded_routes() == sorted(PERMITTED)


def test_the_table_names_no_route_that_the_proxy_admin_is_kept_from() -> None:
    assert [] == [route for route, granted in PERMITTED.items() if Standing.PROXY_ADMIN in granted]


def test_who_only_looks_may_change_nothing() -> None:
    viewers = {
        Standing.PROXY_ADMIN_VIEWER,
        Standing.INTERNAL_USER_VIEWER,
        Standing.TEAM,
        Standing.CUSTOMER,
    }

    writes = {
        route
        for route, granted in PERMITTED.items()
        if not route.startswith("GET ") and viewers & granted.keys()
    }

    reading = {
        *("POST /v2/key/info", "POST /utils/token_counter", "POST /spend/calculate"),
        "POST /utils/transform_request",
    }
    assert reading | {"POST /key/health"} == writes


@pytest.mark.parametrize("route", sorted(PERMITTED))
async def test_a_route_lets_in_whom_the_table_names(
    lasting: Admin, house: House, route: str
) -> None:
    method, path = route.split(" ")
    asked = filled(path)
    # A key is named, or /key/regenerate would take the caller's own.
    body = {"key": own("sk-nobodys")}

    refused = {
        role
        for role in ROLES
        if "Only proxy admin"
        in (await lasting.send(method, asked, body, key=house.keys[role])).text
    }

    outside = set(ROLES) - PERMITTED[route].keys() - {Standing.PROXY_ADMIN}
    # An admin of a team or an organisation is a user as well.
    if Standing.INTERNAL_USER in PERMITTED[route]:
        outside -= {Standing.ORG_ADMIN, Standing.TEAM_ADMIN}
    assert outside == refused


@pytest.mark.parametrize("route", sorted(PERMITTED))
async def test_a_route_is_shut_without_a_key(lasting: Admin, route: str) -> None:
    method, path = route.split(" ")

    reply = await lasting.http.request(method, filled(path))

    assert (401, "auth_error", None) == error_of(reply)


@pytest.mark.parametrize(
    "role",
    [role for role in ROLES if role not in (Standing.PROXY_ADMIN, Standing.PROXY_ADMIN_VIEWER)],
)
async def test_nobody_below_the_admins_touches_or_sees_another_tenants_rows(
    lasting: Admin, house: House, role: Standing
) -> None:
    org, team = own("org"), own("team")
    await lasting.made("/organization/new", organization_id=org)
    user = await lasting.given_user()
    members = [{"role": "user", "user_id": user["user_id"]}]
    await lasting.given_team(team_id=team, organization_id=org, members_with_roles=members)
    key = (await lasting.given_key(team_id=team, user_id=user["user_id"]))["key"]
    there = {"team": team, "org": org, "user": user["user_id"], "key": key}
    before = lasting.rows()

    replies = {
        (one.method, one.path, str(one.body)): await lasting.send(
            one.method, one.path, one.body, key=house.keys[role]
        )
        for one in attempts(there)
    }

    let_in = {name for name, reply in replies.items() if reply.status_code not in (401, 403, 404)}
    assert set() == let_in
    assert before == lasting.rows()


@pytest.mark.parametrize(
    "fields",
    [
        {"user_role": "proxy_admin"},
        {"max_budget": 1_000_000},
        {"spend": 0},
        {"models": []},
        {"rpm_limit": 10_000},
        {"blocked": False},
        {"organization_id": "o"},
        {"metadata": {"model_rpm_limit": {"m": 10_000}}},
    ],
)
@pytest.mark.parametrize("role", [Standing.INTERNAL_USER, Standing.TEAM_ADMIN, Standing.ORG_ADMIN])
async def test_nobody_raises_themselves(
    lasting: Admin, house: House, role: Standing, fields: Json
) -> None:
    key = house.keys[role]
    user_id = (await lasting.get("/user/info", key=key)).json()["user_id"]

    reply = await lasting.post("/user/update", {"user_id": user_id, **fields}, key=key)

    assert 403 == error_of(reply)[0]


async def test_a_user_changes_what_is_theirs_to_change(lasting: Admin) -> None:
    user = await lasting.given_user()

    reply = await lasting.post(
        "/user/update", {"user_id": user["user_id"], "user_alias": "me"}, key=user["key"]
    )

    assert (200, "me") == (reply.status_code, reply.json()["data"]["user_alias"])


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"team_alias": "ours"}, 200),
        ({"team_member_budget": 1}, 200),
        ({"max_budget": 1_000_000}, 403),
        ({"models": ["everything"]}, 403),
        ({"organization_id": None}, 403),
        ({"spend": 0}, 403),
        ({"metadata": {"team_member_budget_id": "another's"}}, 403),
    ],
)
async def test_a_teams_admin_runs_it_within_what_it_was_given(
    lasting: Admin, house: House, fields: Json, status: int
) -> None:
    body = {"team_id": house.team_id, **fields}

    reply = await lasting.post("/team/update", body, key=house.keys[Standing.TEAM_ADMIN])

    assert status == reply.status_code, reply.text


async def test_an_organizations_admin_makes_teams_and_users_in_it(
    lasting: Admin, house: House
) -> None:
    key, org = house.keys[Standing.ORG_ADMIN], house.organization_id

    team = await lasting.done(
        "POST", "/team/new", {"organization_id": org, "max_budget": 5}, key=key
    )
    user = await lasting.done(
        "POST", "/user/new", {"organizations": [org], "teams": [team["team_id"]]}, key=key
    )

    assert (org, [team["team_id"]]) == (team["organization_id"], user["teams"])


@pytest.mark.parametrize("role", ["proxy_admin", "proxy_admin_viewer"])
async def test_an_organizations_admin_makes_no_admin_of_the_proxy(
    lasting: Admin, house: House, role: str
) -> None:
    body = {"organizations": [house.organization_id], "user_role": role}

    reply = await lasting.post("/user/new", body, key=house.keys[Standing.ORG_ADMIN])

    assert (403, "permission_denied", "user_role") == error_of(reply)


async def test_members_make_keys_once_their_team_lets_them(lasting: Admin) -> None:
    user, team = await lasting.given_user(), own("team")
    members = [{"role": "user", "user_id": user["user_id"]}]
    await lasting.given_team(team_id=team, members_with_roles=members)

    before = await lasting.post("/key/generate", {"team_id": team}, key=user["key"])
    await lasting.made(
        "/team/permissions_update", team_id=team, team_member_permissions=["/key/generate"]
    )
    after = await lasting.post("/key/generate", {"team_id": team}, key=user["key"])

    assert (403, 200) == (before.status_code, after.status_code)
    assert user["user_id"] == after.json()["user_id"]


async def test_a_key_makes_no_key_that_reaches_further_than_itself(lasting: Admin) -> None:
    user = await lasting.given_user("proxy_admin")
    narrow = (await lasting.given_key(user_id=user["user_id"], allowed_routes=["/key/generate"]))[
        "key"
    ]

    wider = await lasting.post("/key/generate", {"allowed_routes": ["/team/new"]}, key=narrow)
    same = await lasting.post("/key/generate", {}, key=narrow)

    assert (403, "permission_denied", "allowed_routes") == error_of(wider)
    assert ["/key/generate"] == same.json()["allowed_routes"]


async def test_the_master_key_may_everything(lasting: Admin) -> None:
    refused = [
        route
        for route in sorted(PERMITTED)
        if route.startswith("GET ")
        and (await lasting.send("GET", route.removeprefix("GET "), {}, key=MASTER_KEY)).status_code
        in (401, 403)
    ]

    assert [] == refused
