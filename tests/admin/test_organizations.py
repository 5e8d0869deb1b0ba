"""Organizations, with their budgets, members and teams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of, own

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json


async def given(admin: Admin, **fields: Json) -> str:
    made = await admin.made("/organization/new", organization_alias=own("org"), **fields)
    return str(made["organization_id"])


async def told(admin: Admin, organization_id: str) -> Json:
    return (await admin.get("/organization/info", {"organization_id": organization_id})).json()


async def test_limits_of_an_organization_lie_in_a_budget(lasting: Admin) -> None:
    org = await given(lasting, max_budget=10, tpm_limit=5, models=["m"], metadata={"a": 1})

    info = await told(lasting, org)

    assert (["m"], {"a": 1}) == (info["models"], info["metadata"])
    assert (10, 5) == (
        info["litellm_budget_table"]["max_budget"],
        info["litellm_budget_table"]["tpm_limit"],
    )


async def test_an_organization_links_to_a_budget_that_is_there(lasting: Admin) -> None:
    budget = (await lasting.made("/budget/new", max_budget=3))["budget_id"]

    org = await given(lasting, budget_id=budget)

    assert budget == (await told(lasting, org))["budget_id"]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/organization/new"), ("PATCH", "/organization/update")]
)
async def test_a_budget_that_is_not_there_is_refused(
    lasting: Admin, method: str, path: str
) -> None:
    org = own() if method == "POST" else await given(lasting)

    reply = await lasting.send(method, path, {"organization_id": org, "budget_id": "nobody's"})

    assert (400, "invalid_request_error", "budget_id") == error_of(reply)


async def test_an_update_changes_what_it_names_and_nothing_else(lasting: Admin) -> None:
    org = await given(lasting, max_budget=10, models=["m"])

    await lasting.done("PATCH", "/organization/update", {"organization_id": org, "rpm_limit": 7})

    info = await told(lasting, org)
    budget = info["litellm_budget_table"]
    assert (["m"], 10, 7) == (info["models"], budget["max_budget"], budget["rpm_limit"])


async def test_spend_is_set_anew(lasting: Admin) -> None:
    org = await given(lasting)

    reply = await lasting.done(
        "PATCH", "/organization/update", {"organization_id": org, "spend": 2}
    )

    assert 2 == reply["spend"]


async def test_an_organization_that_exists_is_not_made_again(lasting: Admin) -> None:
    org = await given(lasting)

    reply = await lasting.post("/organization/new", {"organization_id": org})

    assert (409, "already_exists", "organization_id") == error_of(reply)


async def test_a_deleted_organizations_teams_and_keys_die_with_it(lasting: Admin) -> None:
    org = await given(lasting)
    team = (await lasting.given_team(organization_id=org))["team_id"]
    keys = [
        await lasting.given_key(team_id=team),
        await lasting.given_key(organization_id=org),
    ]

    await lasting.done("DELETE", "/organization/delete", {"organization_ids": [org]})

    replies = [await lasting.get("/key/info", key=key["key"]) for key in keys]
    assert [401, 401] == [reply.status_code for reply in replies]
    assert 404 == (await lasting.get("/team/info", {"team_id": team})).status_code
    assert 404 == (await lasting.get("/organization/info", {"organization_id": org})).status_code


async def test_members_come_change_and_go(lasting: Admin) -> None:
    org, user = await given(lasting), own("user")
    body = {"organization_id": org, "user_id": user}
    member = {"role": "internal_user", "user_id": user}

    added = await lasting.made(
        "/organization/member_add",
        organization_id=org,
        member=member,
        max_budget_in_organization=4,
    )
    changed = await lasting.done(
        "PATCH", "/organization/member_update", body | {"role": "org_admin"}
    )
    await lasting.done("DELETE", "/organization/member_delete", body)

    (membership,) = added["updated_organization_memberships"]
    assert (user, "internal_user") == (membership["user_id"], membership["user_role"])
    assert membership["budget_id"] is not None
    assert "org_admin" == changed["user_role"]
    assert [] == (await told(lasting, org))["members"]


async def test_a_member_is_not_added_twice(lasting: Admin) -> None:
    org, member = await given(lasting), {"role": "internal_user", "user_id": own("user")}
    body = {"organization_id": org, "member": member}
    await lasting.made("/organization/member_add", **body)

    reply = await lasting.post("/organization/member_add", body)

    assert (409, "already_exists", "member") == error_of(reply)


async def test_an_admin_of_an_organization_is_one_from_the_next_request(lasting: Admin) -> None:
    org, user = await given(lasting), await lasting.given_user()
    body = {"organization_id": org, "user_id": user["user_id"]}
    before = await lasting.post("/team/new", {"organization_id": org}, key=user["key"])
    member = {"role": "org_admin", "user_id": user["user_id"]}

    await lasting.made("/organization/member_add", organization_id=org, member=member)
    as_admin = await lasting.post("/team/new", {"organization_id": org}, key=user["key"])
    await lasting.done("DELETE", "/organization/member_delete", body)
    after = await lasting.post("/team/new", {"organization_id": org}, key=user["key"])

    assert [401, 200, 401] == [reply.status_code for reply in (before, as_admin, after)]


async def test_members_see_their_organization_and_not_who_else_is_in_it(lasting: Admin) -> None:
    org, user = await given(lasting), await lasting.given_user()
    members = [
        {"role": "internal_user", "user_id": name} for name in (user["user_id"], own("other"))
    ]
    await lasting.made("/organization/member_add", organization_id=org, member=members)

    info = (
        await lasting.get("/organization/info", {"organization_id": org}, key=user["key"])
    ).json()
    listed = (await lasting.get("/organization/list", key=user["key"])).json()

    assert [user["user_id"]] == [one["user_id"] for one in info["members"]]
    assert [org] == [one["organization_id"] for one in listed]
