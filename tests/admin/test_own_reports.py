"""Reports of what is one's own, of a team's members, and of what the cache answered."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of
from tests.admin.test_reports import dollars, given_a_busy_week, given_rows, ledger, spend_row

if TYPE_CHECKING:
    from tests.admin.asking import Admin

DOLLAR = 10**9


@pytest.mark.parametrize(
    ("path", "query", "where"),
    [
        ("/key/spend/report", {"api_key": "k1"}, "api_key = 'k1'"),
        ("/user/spend/report", {"internal_user_id": "u1"}, "\"user\" = 'u1'"),
        ("/team/spend/report", {"team_id": "t1"}, "team_id = 't1'"),
        ("/organization/spend/report", {"organization_id": "o"}, "organization_id = 'o'"),
    ],
)
async def test_a_report_adds_up_exactly_to_the_ledger_by_key_and_model(
    admin: Admin, path: str, query: dict[str, str], where: str
) -> None:
    await given_a_busy_week(admin)
    total = ledger(admin, where)

    rows = dollars((await admin.get(path, query)).content)

    assert total == sum(Decimal(row["total_cost"]) for row in rows)
    parts = [part for row in rows for part in row["model_details"]]
    assert total == sum(Decimal(part["total_cost"]) for part in parts)
    costs = [row["total_cost"] for row in rows]
    assert sorted(costs, reverse=True) == costs


async def test_without_a_name_a_report_is_about_the_caller(admin: Admin) -> None:
    team = await admin.given_team()
    user = await admin.given_user()
    key = await admin.given_key(team_id=team["team_id"], user_id=user["user_id"])
    mine = {"api_key": key["token"], "user": user["user_id"], "team_id": team["team_id"]}
    await given_rows(
        admin, spend_row(1, spend=DOLLAR, **mine), spend_row(2, spend=DOLLAR, api_key="other")
    )

    reports = [
        (await admin.get(f"/{whose}/spend/report", key=key["key"])).json()
        for whose in ("key", "user", "team")
    ]

    assert [[(key["token"], 1)]] * 3 == [
        [(row["api_key"], row["total_cost"]) for row in report] for report in reports
    ]


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/key/spend/report", {"api_key": "k1"}),
        ("/user/spend/report", {"internal_user_id": "u1"}),
        ("/team/spend/report", {"team_id": "t1"}),
        ("/team/spend/by_user", {"team_ids": "t1"}),
    ],
)
async def test_nobody_sees_the_spend_of_others(
    admin: Admin, path: str, query: dict[str, str]
) -> None:
    await admin.given_team(team_id="t1")
    user = await admin.given_user()

    reply = await admin.get(path, query, key=user["key"])

    assert 403 == error_of(reply)[0]


async def test_a_report_about_nobody_says_what_to_pass(admin: Admin) -> None:
    key = (await admin.given_key())["key"]

    reply = await admin.get("/team/spend/report", key=key)

    assert (400, "invalid_request_error", "team_id") == error_of(reply)


async def test_a_team_is_split_by_the_users_whose_keys_spent(admin: Admin) -> None:
    team = (await admin.given_team(team_id="t", team_alias="T"))["team_id"]
    user = await admin.given_user(user_id="u", user_email="u@x.example")
    rows = [
        spend_row(1, spend=DOLLAR, team_id=team, user="u", api_key="a"),
        spend_row(2, spend=DOLLAR, team_id=team, user="u", api_key="b"),
        spend_row(3, spend=DOLLAR, team_id=team, api_key="service"),
        spend_row(4, spend=DOLLAR, team_id="other", user="u", api_key="c"),
    ]
    await given_rows(admin, *rows)
    await admin.made("/team/member_add", team_id=team, member={"role": "user", "user_id": "u"})

    whole = (await admin.get("/team/spend/by_user", {"team_ids": "t"})).json()["results"]
    own = (await admin.get("/team/spend/by_user", {"team_ids": "t"}, key=user["key"])).json()

    assert [("u", "u@x.example", 2, 10, "T"), ("", None, 1, 5, "T")] == [
        (row["user_id"], row["user_email"], row["spend"], row["total_tokens"], row["team_alias"])
        for row in whole
    ]
    assert ["u"] == [row["user_id"] for row in own["results"]]


async def test_calls_are_counted_by_who_answered_them(admin: Admin) -> None:
    key = await admin.given_key(key_alias="named")
    failure = {"status": "failure", "error_information": {"error_code": 429, "error_class": "R"}}
    await given_rows(
        admin,
        spend_row(1, spend=1, api_key=key["token"]),
        spend_row(2, spend=0, cache_hit=True),
        spend_row(3, spend=0, cache_hit=True, call_type="aembedding"),
        spend_row(4, spend=0, metadata=failure, model="o3"),
    )

    reply = (await admin.get("/global/activity/cache_hits")).json()
    named = (await admin.get("/global/activity/cache_hits", {"key_aliases": "named"})).json()
    of_o3 = (await admin.get("/global/activity/cache_hits", {"models": "o3"})).json()

    assert [("acompletion", 1, 1, 1, 2, 4), ("aembedding", 0, 1, 0, 2, 0)] == [
        tuple(group.values()) for group in reply["groups"]
    ]
    assert (1, 2, 1, 50.0) == (
        reply["totals"]["api_requests"],
        reply["totals"]["cache_hits"],
        reply["totals"]["failed_requests"],
        reply["totals"]["cache_hit_ratio"],
    )
    assert {"key_aliases": ["Unnamed Key", "named"], "models": ["gpt-4o", "o3"]} == reply[
        "filter_options"
    ]
    broken = {"call_type": "acompletion", "error_code": "429", "error_class": "R", "count": 1}
    assert [broken] == reply["error_breakdown"] == of_o3["error_breakdown"]
    assert (1, 0) == (named["totals"]["api_requests"], named["totals"]["cache_hits"])


async def test_customers_are_named(admin: Admin) -> None:
    await given_rows(admin, spend_row(1, spend=1, end_user="c"), spend_row(2, spend=1))

    reply = await admin.get("/global/all_end_users")

    assert {"end_users": ["c"]} == reply.json()
