"""Teams beyond making and changing one: members with budgets, lists, models, an end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of, own

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json


async def roles(admin: Admin, team_id: str) -> dict[str, str]:
    info = (await admin.get("/team/info", {"team_id": team_id})).json()["team_info"]
    return {one["user_id"]: one["role"] for one in info["members_with_roles"]}


async def membership(admin: Admin, team_id: str, user_id: str) -> Json:
    info = (await admin.get("/team/info", {"team_id": team_id})).json()
    (found,) = [one for one in info["team_memberships"] if one["user_id"] == user_id]
    return found


async def test_a_deleted_teams_keys_die_with_it(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]
    user = await lasting.given_user(teams=[team])
    made = await lasting.given_key(team_id=team)
    before = await lasting.get("/key/info", key=made["key"])

    reply = await lasting.made("/team/delete", team_ids=[team])

    after = await lasting.get("/key/info", key=made["key"])
    told = (await lasting.get("/user/info", {"user_id": user["user_id"]})).json()
    assert {"deleted_teams": [team]} == reply
    assert (200, 401) == (before.status_code, after.status_code)
    assert [] == told["user_info"]["teams"]
    assert 404 == (await lasting.get("/team/info", {"team_id": team})).status_code


async def test_one_unknown_team_keeps_all_of_them(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]

    reply = await lasting.post("/team/delete", {"team_ids": [team, "nobody's"]})

    assert 404 == error_of(reply)[0]
    assert 200 == (await lasting.get("/team/info", {"team_id": team})).status_code


async def test_no_key_outlives_a_team_that_is_deleted_meanwhile(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]

    made, *_ = await asyncio.gather(
        lasting.post("/key/generate", {"team_id": team}),
        lasting.post("/team/delete", {"team_ids": [team]}),
    )

    if made.status_code == 200:
        reply = await lasting.get("/key/info", key=made.json()["key"])
        there = lasting.sql("select 1 from litellm_teamtable where team_id = %s", team)
        assert (401 if not there else 200) == reply.status_code


async def test_a_team_is_changed_by_its_path(lasting: Admin) -> None:
    team = (await lasting.given_team(max_budget=5))["team_id"]

    reply = await lasting.done("PATCH", f"/team/{team}", {"team_alias": "n"})

    assert (team, "n", 5) == (
        reply["team_id"],
        reply["data"]["team_alias"],
        reply["data"]["max_budget"],
    )


@pytest.mark.parametrize("form", ["one", "a list"])
async def test_members_are_added_with_a_budget_of_their_own(lasting: Admin, form: str) -> None:
    team, user = (await lasting.given_team())["team_id"], own("user")
    member = {"role": "user", "user_id": user}

    reply = await lasting.made(
        "/team/member_add",
        team_id=team,
        member=[member] if form == "a list" else member,
        max_budget_in_team=2.5,
        budget_duration="1d",
    )

    assert [user] == [one["user_id"] for one in reply["updated_users"]]
    (added,) = reply["updated_team_memberships"]
    assert (2.5, "1d") == (
        added["litellm_budget_table"]["max_budget"],
        added["litellm_budget_table"]["budget_duration"],
    )
    assert team in reply["updated_users"][0]["teams"]


async def test_a_member_that_is_there_is_not_added_again(lasting: Admin) -> None:
    team, member = (await lasting.given_team())["team_id"], {"role": "user", "user_id": own()}
    await lasting.made("/team/member_add", team_id=team, member=member)

    reply = await lasting.post("/team/member_add", {"team_id": team, "member": member})

    assert (400, "team_member_already_in_team", "member") == error_of(reply)


async def test_of_many_that_add_a_member_at_once_one_wins(lasting: Admin) -> None:
    team, member = (await lasting.given_team())["team_id"], {"role": "user", "user_id": own()}
    body = {"team_id": team, "member": member}

    replies = await asyncio.gather(*(lasting.post("/team/member_add", body) for _ in range(5)))

    assert [200, 400, 400, 400, 400] == sorted(reply.status_code for reply in replies)
    assert 2 == len(await roles(lasting, team))


async def test_many_members_are_added_each_for_itself(lasting: Admin) -> None:
    team, old, new = (await lasting.given_team())["team_id"], own(), own()
    await lasting.made("/team/member_add", team_id=team, member={"role": "user", "user_id": old})
    members = [{"role": "user", "user_id": name} for name in (old, new)]

    reply = await lasting.made(
        "/team/bulk_member_add", team_id=team, members=members, max_budget_in_team=1
    )

    assert [False, True] == [result["success"] for result in reply["results"]]
    assert (2, 1, 1) == (
        reply["total_requested"],
        reply["successful_additions"],
        reply["failed_additions"],
    )
    assert 1 == (await membership(lasting, team, new))["litellm_budget_table"]["max_budget"]


async def test_a_members_role_and_budget_change(lasting: Admin) -> None:
    team, user = (await lasting.given_team())["team_id"], own()
    await lasting.made("/team/member_add", team_id=team, member={"role": "user", "user_id": user})

    reply = await lasting.made(
        "/team/member_update",
        team_id=team,
        user_id=user,
        role="admin",
        max_budget_in_team=4,
        rpm_limit=9,
    )

    assert ("admin", 4, 9) == (reply["role"], reply["max_budget_in_team"], reply["rpm_limit"])
    assert "admin" == (await roles(lasting, team))[user]


async def test_members_share_the_teams_budget_for_them_until_they_have_their_own(
    lasting: Admin,
) -> None:
    first, second = own(), own()
    members = [{"role": "user", "user_id": name} for name in (first, second)]
    team = (await lasting.given_team(members_with_roles=members, team_member_budget=3))["team_id"]

    await lasting.made("/team/member_update", team_id=team, user_id=first, max_budget_in_team=9)
    await lasting.made("/team/update", team_id=team, team_member_budget=5)

    found = [await membership(lasting, team, name) for name in (first, second)]
    assert [9, 5] == [one["litellm_budget_table"]["max_budget"] for one in found]


async def test_a_removed_members_keys_in_the_team_die(lasting: Admin) -> None:
    user = await lasting.given_user()
    team = (await lasting.given_team())["team_id"]
    member = {"role": "user", "user_id": user["user_id"]}
    await lasting.made("/team/member_add", team_id=team, member=member)
    of_team = await lasting.given_key(team_id=team, user_id=user["user_id"])
    await lasting.get("/key/info", key=of_team["key"])

    await lasting.made("/team/member_delete", team_id=team, user_id=user["user_id"])

    replies = [await lasting.get("/key/info", key=key["key"]) for key in (of_team, user)]
    assert [401, 200] == [reply.status_code for reply in replies]
    assert user["user_id"] not in await roles(lasting, team)


@pytest.mark.parametrize("route", ["/team/member_update", "/team/member_delete"])
async def test_who_is_no_member_is_not_found(lasting: Admin, route: str) -> None:
    team = (await lasting.given_team())["team_id"]

    reply = await lasting.post(route, {"team_id": team, "user_id": "nobody"})

    assert (404, "not_found_error", "user_id") == error_of(reply)


async def test_what_a_member_spent_is_set_anew(lasting: Admin) -> None:
    team, user = (await lasting.given_team())["team_id"], own()
    await lasting.made("/team/member_add", team_id=team, member={"role": "user", "user_id": user})
    lasting.sql("update litellm_teammembership set spend = 7 where user_id = %s", user)

    reply = await lasting.made(f"/team/{team}/member/{user}/reset_spend", reset_to=2)

    assert (2, user) == (reply["spend"], reply["user_id"])


async def test_models_are_added_and_taken_away(lasting: Admin) -> None:
    team = (await lasting.given_team(models=["a"]))["team_id"]

    more = await lasting.made("/team/model/add", team_id=team, models=["b", "a"])
    fewer = await lasting.made("/team/model/delete", team_id=team, models=["a"])

    assert (["a", "b"], ["b"]) == (more["models"], fewer["models"])


async def test_taking_the_last_model_away_does_not_open_all(lasting: Admin) -> None:
    team = (await lasting.given_team(models=["a"]))["team_id"]

    reply = await lasting.post("/team/model/delete", {"team_id": team, "models": ["a"]})

    assert (400, "invalid_request_error", "models") == error_of(reply)


async def test_permissions_of_members_are_told_and_changed(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]

    await lasting.made(
        "/team/permissions_update", team_id=team, team_member_permissions=["/key/list"]
    )

    reply = (await lasting.get("/team/permissions_list", {"team_id": team})).json()
    assert ["/key/list"] == reply["team_member_permissions"]
    assert "/key/generate" in reply["all_available_permissions"]


async def test_a_permission_that_is_none_is_refused(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]
    body = {"team_id": team, "team_member_permissions": ["/user/new"]}

    reply = await lasting.post("/team/permissions_update", body)

    assert 400 == error_of(reply)[0]


async def test_teams_are_listed_with_their_keys_and_members(lasting: Admin) -> None:
    user = await lasting.given_user()
    members = [{"role": "admin", "user_id": user["user_id"]}]
    team = (await lasting.given_team(members_with_roles=members))["team_id"]
    key = await lasting.given_key(team_id=team)

    (found,) = (await lasting.get("/team/list", key=user["key"])).json()

    assert (team, [key["token"]]) == (found["team_id"], [one["token"] for one in found["keys"]])
    assert user["user_id"] in {one["user_id"] for one in found["team_memberships"]}


async def test_teams_are_listed_page_by_page_in_order(lasting: Admin) -> None:
    word = own("sorted")
    for budget in (2, 3, 1):
        await lasting.given_team(team_alias=f"{word} {budget}", max_budget=budget)
    query = {"team_alias": word, "page_size": "2", "sort_by": "max_budget", "sort_order": "asc"}

    pages = [
        (await lasting.get("/v2/team/list", query | {"page": page})).json() for page in ("1", "2")
    ]

    assert [1, 2, 3] == [team["max_budget"] for page in pages for team in page["teams"]]
    assert (3, 2) == (pages[0]["total"], pages[0]["total_pages"])


async def test_keys_of_members_end_when_their_team_says(lasting: Admin) -> None:
    team = (await lasting.given_team(team_member_key_duration="1h"))["team_id"]

    of_member = await lasting.given_key(team_id=team, user_id=own("user"))
    own_end = await lasting.given_key(team_id=team, user_id=own("user"), duration="-1")
    of_nobody = await lasting.given_key(team_id=team)

    expires = datetime.fromisoformat(of_member["expires"])
    assert timedelta(minutes=59) < expires - datetime.now(UTC) <= timedelta(hours=1)
    assert (None, None) == (own_end["expires"], of_nobody["expires"])


async def test_all_users_are_put_into_a_team(admin: Admin) -> None:
    users = {(await admin.given_user())["user_id"] for _ in range(2)}
    team = (await admin.given_team())["team_id"]

    await admin.made("/team/bulk_member_add", team_id=team, all_users=True)

    assert users <= (await roles(admin, team)).keys()


async def test_only_an_admin_of_the_proxy_puts_all_users_into_a_team(lasting: Admin) -> None:
    user = await lasting.given_user()
    member = {"role": "admin", "user_id": user["user_id"]}
    team = (await lasting.given_team(members_with_roles=[member]))["team_id"]

    body = {"team_id": team, "all_users": True}
    reply = await lasting.post("/team/bulk_member_add", body, key=user["key"])

    assert 403 == error_of(reply)[0]
