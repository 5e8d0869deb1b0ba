"""Users beyond making and changing one: lists, many at once, an end that ends their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of, own

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json


async def test_deleted_users_keys_die_with_them(lasting: Admin) -> None:
    user = await lasting.given_user()
    team = (await lasting.given_team())["team_id"]
    other = await lasting.given_key(user_id=user["user_id"], team_id=team)
    before = await lasting.get("/key/info", key=other["key"])

    count = await lasting.made("/user/delete", user_ids=[user["user_id"]])

    replies = [await lasting.get("/key/info", key=k) for k in (user["key"], other["key"])]
    assert (1, 200) == (count, before.status_code)
    assert [401, 401] == [reply.status_code for reply in replies]


async def test_deleted_users_leave_their_teams_and_organizations(lasting: Admin) -> None:
    user, org = (await lasting.given_user())["user_id"], own("org")
    await lasting.made("/organization/new", organization_id=org)
    member = {"role": "internal_user", "user_id": user}
    await lasting.made("/organization/member_add", organization_id=org, member=member)
    members = [{"role": "user", "user_id": user}]
    team = (await lasting.given_team(members_with_roles=members))["team_id"]

    await lasting.made("/user/delete", user_ids=[user])

    info = (await lasting.get("/team/info", {"team_id": team})).json()
    told = (await lasting.get("/organization/info", {"organization_id": org})).json()
    assert user not in {one["user_id"] for one in info["team_info"]["members_with_roles"]}
    assert ([], []) == (info["team_memberships"], told["members"])


async def test_one_unknown_user_keeps_all_of_them(lasting: Admin) -> None:
    user = await lasting.given_user()

    reply = await lasting.post("/user/delete", {"user_ids": [user["user_id"], "nobody"]})

    assert (404, "not_found_error", "user_ids") == error_of(reply)
    assert 200 == (await lasting.get("/key/info", key=user["key"])).status_code


async def test_an_id_may_be_used_again_after_its_user_is_gone(lasting: Admin) -> None:
    user_id = own("user")
    await lasting.given_user(user_id=user_id)
    await lasting.made("/user/delete", user_ids=[user_id])

    again = await lasting.given_user(user_id=user_id)

    assert 200 == (await lasting.get("/key/info", key=again["key"])).status_code


async def test_many_users_are_changed_each_for_itself(lasting: Admin) -> None:
    user = (await lasting.given_user())["user_id"]
    users = [{"user_id": user, "max_budget": 3}, {"user_id": own("nobody"), "max_budget": 3}]

    reply = await lasting.made("/user/bulk_update", users=users)

    assert [True, False] == [result["success"] for result in reply["results"]]
    assert (2, 1, 1) == (
        reply["total_requested"],
        reply["successful_updates"],
        reply["failed_updates"],
    )
    assert 3 == reply["results"][0]["updated_user"]["max_budget"]


@pytest.mark.parametrize("query", ["user_email", "search", "user_ids", "team"])
async def test_users_are_found_by(lasting: Admin, query: str) -> None:
    team = (await lasting.given_team())["team_id"]
    email = f"{own()}@b.c"
    user = await lasting.given_user(user_email=email, teams=[team])
    words = {"user_email": email, "search": email[3:], "user_ids": user["user_id"], "team": team}

    reply = (await lasting.get("/user/list", {query: words[query]})).json()

    found = {one["user_id"]: one["key_count"] for one in reply["users"]}
    assert 1 == found[user["user_id"]]


async def test_users_are_listed_page_by_page_in_order(lasting: Admin) -> None:
    word = own("sorted")
    for spend in (2, 3, 1):
        await lasting.given_user(user_alias=f"{word}-{spend}", spend=spend)
    query = {"search": word, "page_size": "2", "sort_by": "spend", "sort_order": "asc"}

    pages = [
        (await lasting.get("/user/list", query | {"page": page})).json() for page in ("1", "2")
    ]

    assert [1, 2, 3] == [user["spend"] for page in pages for user in page["users"]]
    assert (3, 2) == (pages[0]["total"], pages[0]["total_pages"])


async def test_a_user_is_told_about_without_keys_and_teams(lasting: Admin) -> None:
    user = await lasting.given_user()

    reply = (await lasting.get("/v2/user/info", {"user_id": user["user_id"]})).json()

    assert user["user_id"] == reply["user_id"]
    assert not {"keys", "user_info"} & reply.keys()


async def test_an_organizations_admin_lists_its_users_only(lasting: Admin) -> None:
    boss, inside, outside = [await lasting.given_user() for _ in range(3)]
    org = own("org")
    await lasting.made("/organization/new", organization_id=org)
    members = [
        {"role": "org_admin", "user_id": boss["user_id"]},
        {"role": "internal_user", "user_id": inside["user_id"]},
    ]
    await lasting.made("/organization/member_add", organization_id=org, member=members)

    reply = (await lasting.get("/user/list", key=boss["key"])).json()

    found = {one["user_id"] for one in reply["users"]}
    assert {boss["user_id"], inside["user_id"]} == found
    assert (
        403
        == error_of(
            await lasting.get("/user/info", {"user_id": outside["user_id"]}, key=boss["key"])
        )[0]
    )


async def test_an_admin_of_an_organization_sees_no_keys_that_are_not_of_its_teams(
    lasting: Admin,
) -> None:
    boss, member, org = await lasting.given_user(), await lasting.given_user(), own("org")
    await lasting.made("/organization/new", organization_id=org)
    members = [
        {"role": "org_admin", "user_id": boss["user_id"]},
        {"role": "internal_user", "user_id": member["user_id"]},
    ]
    await lasting.made("/organization/member_add", organization_id=org, member=members)
    team = (await lasting.given_team(organization_id=org))["team_id"]
    of_team = await lasting.given_key(user_id=member["user_id"], team_id=team)

    reply = await lasting.get("/user/info", {"user_id": member["user_id"]}, key=boss["key"])

    assert [of_team["token"]] == [key["token"] for key in reply.json()["keys"]]


async def test_all_users_are_changed_by_one_request(admin: Admin) -> None:
    users = [(await admin.given_user())["user_id"] for _ in range(2)]

    reply = await admin.made("/user/bulk_update", all_users=True, user_updates={"max_budget": 3})

    changed = {one["user_id"]: one["updated_user"]["max_budget"] for one in reply["results"]}
    assert dict.fromkeys(users, 3).items() <= changed.items()


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"all_users": True},
        {"all_users": True, "user_updates": {}},
        {"all_users": True, "user_updates": {"user_email": "a@b.c"}},
        {"all_users": True, "users": [{"user_id": "a"}], "user_updates": {"max_budget": 3}},
    ],
)
async def test_users_are_not_changed_by_half_a_question(lasting: Admin, asked: Json) -> None:
    reply = await lasting.post("/user/bulk_update", asked)

    assert 400 == error_of(reply)[0]


async def test_a_new_users_key_is_of_the_team_they_join(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]

    user = await lasting.given_user(team_id=team, models=["m"], aliases={"small": "m"})

    key = await lasting.info(user["key"])
    assert (team, ["m"], {"small": "m"}) == (key["team_id"], key["models"], key["aliases"])
    assert [team] == user["teams"]
