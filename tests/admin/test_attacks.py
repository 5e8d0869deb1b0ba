"""What was tried on gateways like this one, tried on this one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of, own

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json


INJECTIONS = ["' or 1=1 --", "created_at; drop table litellm_verificationtoken", "%", "_", "\\"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/key/list", "sort_by"),
        ("/key/list", "sort_order"),
        ("/key/list", "status"),
        ("/key/list", "expand"),
        ("/user/list", "sort_by"),
        ("/user/list", "role"),
        ("/v2/team/list", "sort_by"),
        ("/v2/team/list", "sort_order"),
    ],
)
@pytest.mark.parametrize("injection", INJECTIONS)
async def test_sql_where_words_of_a_list_belong_is_refused(
    lasting: Admin, path: str, name: str, injection: str
) -> None:
    reply = await lasting.get(path, {name: injection})

    assert 400 == error_of(reply)[0]


@pytest.mark.parametrize(
    ("path", "name", "rows"),
    [
        ("/key/list", "search", "keys"),
        ("/key/list", "key_alias", "keys"),
        ("/key/list", "user_id", "keys"),
        ("/key/list", "team_id", "keys"),
        ("/key/list", "organization_id", "keys"),
        ("/key/aliases", "search", "aliases"),
        ("/user/list", "search", "users"),
        ("/user/list", "user_email", "users"),
        ("/user/list", "user_ids", "users"),
        ("/user/list", "team", "users"),
        ("/v2/team/list", "team_alias", "teams"),
        ("/v2/team/list", "user_id", "teams"),
    ],
)
@pytest.mark.parametrize("injection", INJECTIONS)
async def test_sql_in_a_filter_is_text_that_nothing_has(
    lasting: Admin, path: str, name: str, rows: str, injection: str
) -> None:
    await lasting.given_user(key_alias=own("a"), user_email=f"{own()}@b.c")

    reply = await lasting.get(path, {name: injection, "return_full_object": "true"})

    # `_` and `%` are letters here, not patterns.
    assert [] == [row for row in reply.json()[rows] if injection not in str(row)]


@pytest.mark.parametrize("injection", INJECTIONS[:2])
async def test_sql_as_a_key_is_no_key(lasting: Admin, injection: str) -> None:
    reply = await lasting.get("/key/list", key=f"sk-{injection}")

    assert 401 == error_of(reply)[0]


async def test_no_hash_is_a_key_also_not_that_of_a_former_secret(lasting: Admin) -> None:
    user = await lasting.given_user("proxy_admin")
    new = await lasting.made("/key/regenerate", key=user["key"], grace_period="1h")

    replies = [
        await lasting.get("/key/list", key=name)
        for name in (user["token"], new["token"], f"sk-{new['token']}")
    ]

    assert [401, 401, 401] == [reply.status_code for reply in replies]


@pytest.mark.parametrize(
    "fields",
    [
        {"token": "0" * 64},
        {"key_name": "sk-...0000"},
        {"created_by": "somebody"},
        {"version": 0},
        {"budget_started_at": "2020-01-01T00:00:00Z"},
        {"rotation_count": 9},
        {"user_role": "proxy_admin"},
        {"last_active": "2020-01-01T00:00:00Z"},
    ],
)
async def test_columns_that_nobody_sets_are_not_set(lasting: Admin, fields: Json) -> None:
    made = await lasting.given_key(**fields)
    before = await lasting.info(made["key"])

    after = await lasting.made("/key/update", key=made["key"], **fields)

    moving = {"updated_at", "updated_by", "litellm_budget_table"}
    assert {k: v for k, v in before.items() if k not in moving} == {
        k: v for k, v in after.items() if k in before and k not in moving
    }
    assert made["token"] == after["token"] != "0" * 64


@pytest.mark.parametrize(
    "body",
    [
        {"user_role": "root"},
        {"user_role": "org_admin"},
        {"user_role": ["proxy_admin"]},
        {"user_id": {"$ne": None}},
        {"user_id": "a\nb"},
        {"max_budget": "1e309"},
        {"teams": "t"},
    ],
)
async def test_what_is_no_user_makes_none(lasting: Admin, body: Json) -> None:
    before = lasting.rows()

    reply = await lasting.post("/user/new", body)

    assert 400 == error_of(reply)[0]
    assert before == lasting.rows()


@pytest.mark.parametrize("name", ["a/b", "a%2Fb", "a b", "ä", "a:b{c}"])
async def test_an_id_in_a_path_is_the_id_that_was_meant(lasting: Admin, name: str) -> None:
    team = (await lasting.given_team(team_id=own(name)))["team_id"]
    quoted = "".join(f"%{byte:02X}" for byte in team.encode())

    reply = await lasting.send("PATCH", f"/team/{quoted}", {"team_alias": "n"})

    # A slash parts a path however it is written: the body names such a team.
    expected = {404} if "/" in team else {200}
    assert reply.status_code in expected


async def test_a_members_name_cannot_be_mistaken_for_anothers(lasting: Admin) -> None:
    word = own()
    first = (await lasting.given_team(team_id=f"{word}/a"))["team_id"]
    second = (await lasting.given_team(team_id=word))["team_id"]
    member = {"role": "user", "user_id": own("b")}
    other = {"role": "user", "user_id": f"a/{member['user_id']}"}
    await lasting.made("/team/member_add", team_id=first, member=member, max_budget_in_team=1)
    await lasting.made("/team/member_add", team_id=second, member=other, max_budget_in_team=2)

    budgets = [
        (await lasting.get("/team/info", {"team_id": team})).json()["team_memberships"][0][
            "litellm_budget_table"
        ]["max_budget"]
        for team in (first, second)
    ]

    assert [1, 2] == budgets


TRICKS: list[tuple[str, dict[str, str]]] = [
    ("/key/list", {"host": "gateway/health/liveliness?"}),
    ("/key/list", {"host": "evil.example", "x-forwarded-host": "evil.example"}),
    ("/key/list", {"x-original-url": "/health/liveliness", "x-rewrite-url": "/health/liveliness"}),
    ("/key/list", {"x-forwarded-prefix": "/health/liveliness", "x-forwarded-for": "127.0.0.1"}),
    ("/key/list?x=/health/liveliness", {}),
    ("/health/liveliness/../../key/list", {}),
    ("/health/liveliness/%2e%2e/%2e%2e/key/list", {}),
    ("/health/liveliness;/key/list", {}),
    ("//key/list", {}),
    ("/key/list/", {}),
    ("/KEY/LIST", {}),
    ("/%6bey/list", {}),
    ("/key%2flist", {}),
    ("/docs/../key/list", {}),
]


@pytest.mark.parametrize(("path", "headers"), TRICKS)
async def test_no_host_and_no_path_gets_past_the_door(
    lasting: Admin, path: str, headers: dict[str, str]
) -> None:
    viewer = (await lasting.given_user("internal_user_viewer"))["key"]
    marker = (await lasting.given_user())["user_id"]
    asked = f"http://gateway{path}"

    nobody = await lasting.http.request("GET", asked, headers=headers)
    bearer = {**headers, "authorization": f"Bearer {viewer}"}
    somebody = await lasting.http.request("POST", asked.replace("list", "block"), headers=bearer)

    assert nobody.status_code in (307, 400, 401, 404, 405)
    assert somebody.status_code in (307, 400, 401, 404, 405)
    assert marker not in nobody.text


async def test_what_a_key_may_call_is_told_by_the_route_and_not_by_the_path(
    lasting: Admin,
) -> None:
    user = await lasting.given_user("proxy_admin")
    narrow = await lasting.given_key(user_id=user["user_id"], allowed_routes=["/key/info"])
    key = narrow["key"]

    replies = [
        await lasting.get("/key/info", {"key": key}, key=key),
        await lasting.get("/key/list", key=key),
        await lasting.get("/key/list?/key/info", key=key),
        await lasting.post("/key/info/regenerate", {}, key=key),
    ]

    assert [200, 403, 403, 403] == [reply.status_code for reply in replies]
