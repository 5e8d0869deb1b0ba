"""Reports come from rollups and add up to the ledger, to the nanodollar."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from shared.domain import Nanodollars
from shared.storage.spend_rows import SpendRow, book
from tests.admin.asking import error_of
from tests.gateway.given import model

if TYPE_CHECKING:
    from tests.admin.asking import Admin
    from tests.provider import Provider

TODAY = datetime.now(UTC).replace(hour=12)
DAYS = {"start_date": (TODAY - timedelta(days=9)).date().isoformat()}


def row_id(at: datetime, n: int) -> str:
    millis = int(at.timestamp() * 1000)
    return str(UUID(int=(millis << 80) | (7 << 76) | (2 << 62) | n))


def spend_row(n: int, *, spend: int, at: datetime = TODAY, **details: Any) -> SpendRow:  # noqa: ANN401 - a row's columns
    return SpendRow(
        id=row_id(at, n),
        spend=Nanodollars(spend),
        prompt_tokens=3,
        completion_tokens=2,
        details={
            "request_id": f"r{n}",
            "call_type": "acompletion",
            "api_key": "hash",
            "model": "gpt-4o",
            "model_group": "gpt",
            "custom_llm_provider": "openai",
            "metadata": {"status": "success"},
            **details,
        },
    )


async def given_rows(admin: Admin, *rows: SpendRow) -> None:
    await book(admin.state.desk.stores.postgres, rows)


async def given_a_busy_week(admin: Admin) -> None:
    """Rows of many keys, users, teams, models and tags, with corrections among them."""
    chance = random.Random(7)  # noqa: S311 - the same rows every time
    rows = [
        spend_row(
            n,
            spend=chance.randrange(-50, 10**9),
            at=TODAY - timedelta(days=chance.randrange(9), seconds=n),
            api_key=f"k{chance.randrange(3)}",
            user=chance.choice(["u1", "u2", None]),
            team_id=chance.choice(["t1", "t2", None]),
            organization_id=chance.choice(["o", None]),
            end_user=chance.choice(["c", None]),
            model=chance.choice(["gpt-4o", "o3"]),
            request_tags=chance.choice([[], ["a"], ["a", "b"]]),
            metadata={"status": chance.choice(["success", "failure", "lost"])},
        )
        for n in range(300)
    ]
    await given_rows(admin, *rows)


def dollars(text: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Read JSON with every digit."""
    import json  # noqa: PLC0415 - orjson reads floats

    return json.loads(text, parse_float=Decimal, parse_int=int)


def ledger(admin: Admin, where: str = "true") -> Decimal:
    query = f"select coalesce(sum(spend), 0) as spend from litellm_spendlogs where {where}"  # noqa: S608 - our own words
    return admin.sql(query)[0]["spend"]


async def test_every_report_adds_up_exactly_to_the_ledger(admin: Admin) -> None:
    await given_a_busy_week(admin)
    total = ledger(admin)

    async def sums(path: str, field: str) -> Decimal:
        found = dollars((await admin.get(path, DAYS)).content)
        return sum((Decimal(row[field]) for row in found), Decimal(0))

    whole = dollars((await admin.get("/global/spend")).content)
    assert total == Decimal(whole["spend"])
    for path, field in (
        ("/global/spend/keys", "total_spend"),
        ("/global/spend/models", "total_spend"),
        ("/global/spend/provider", "spend"),
        ("/global/spend/logs", "spend"),
        ("/spend/users", "total_spend"),
    ):
        assert total == await sums(path, field), path


async def test_teams_tags_and_customers_add_up_to_their_rows(admin: Admin) -> None:
    await given_a_busy_week(admin)

    teams = dollars((await admin.get("/global/spend/teams", DAYS)).content)
    tags = dollars((await admin.get("/spend/tags", DAYS)).content)
    customers = dollars((await admin.post("/global/spend/end_users", {})).content)

    by_team = {row["team_id"]: row["total_spend"] for row in teams["total_spend_per_team"]}
    assert ledger(admin, "team_id = 't1'") == by_team["t1"]
    by_tag = {row["individual_request_tag"]: row["total_spend"] for row in tags}
    assert ledger(admin, "'b' = any(request_tags)") == by_tag["b"]
    assert ledger(admin, "end_user is not null") == sum(row["total_spend"] for row in customers)


@pytest.mark.parametrize(
    ("path", "where", "query"),
    [
        ("/user/daily/activity", "true", {}),
        ("/user/daily/activity", "\"user\" = 'u1'", {"user_id": "u1"}),
        ("/user/daily/activity", "model = 'o3'", {"model": "o3"}),
        ("/team/daily/activity", "team_id in ('t1', 't2')", {"team_ids": "t1,t2"}),
        ("/organization/daily/activity", "organization_id = 'o'", {}),
        ("/customer/daily/activity", "end_user = 'c'", {"end_user_ids": "c"}),
        ("/tag/daily/activity", "'a' = any(request_tags)", {"tags": "a"}),
    ],
)
async def test_daily_activity_adds_up_whole_and_split(
    admin: Admin, path: str, where: str, query: dict[str, str]
) -> None:
    await given_a_busy_week(admin)
    total = ledger(admin, where)

    reply = dollars((await admin.get(path, {**DAYS, **query, "page_size": "100"})).content)

    assert total == reply["metadata"]["total_spend"]
    assert total == sum(day["metrics"]["spend"] for day in reply["results"])
    for split in ("models", "model_groups", "providers", "api_keys", "entities"):
        parts = [
            part["metrics"]["spend"]
            for day in reply["results"]
            for part in day["breakdown"][split].values()
        ]
        assert total == sum(parts), split


async def test_all_days_are_shown_at_once(admin: Admin) -> None:
    await given_rows(
        admin, *(spend_row(n, spend=n + 1, at=TODAY - timedelta(days=n)) for n in range(3))
    )

    whole = (await admin.get("/user/daily/activity/aggregated", {"page_size": "1"})).json()

    assert (3, 1, False) == (
        len(whole["results"]),
        whole["metadata"]["total_pages"],
        whole["metadata"]["has_more"],
    )


async def test_daily_activity_is_shown_page_by_page(admin: Admin) -> None:
    await given_rows(
        admin, *(spend_row(n, spend=n + 1, at=TODAY - timedelta(days=n)) for n in range(3))
    )

    page = (await admin.get("/user/daily/activity", {"page": "2", "page_size": "2"})).json()

    assert ([(TODAY - timedelta(days=2)).date().isoformat()], 2, False) == (
        [day["date"] for day in page["results"]],
        page["metadata"]["total_pages"],
        page["metadata"]["has_more"],
    )


async def test_a_user_sees_their_own_days_only(admin: Admin) -> None:
    user = await admin.given_user()
    await given_rows(
        admin, spend_row(1, spend=10**9, user=user["user_id"]), spend_row(2, spend=10**9)
    )

    own = await admin.get("/user/daily/activity", key=user["key"])
    others = await admin.get("/user/daily/activity", {"user_id": "u"}, key=user["key"])

    assert 1 == own.json()["metadata"]["total_spend"]
    assert 403 == error_of(others)[0]


async def test_a_report_is_split_by_team_and_model(admin: Admin) -> None:
    await given_rows(
        admin,
        spend_row(1, spend=10**9, team_id="t"),
        spend_row(2, spend=2 * 10**9, team_id="t", model="o3"),
        spend_row(3, spend=10**9, team_id="other"),
    )

    (day,) = (await admin.get("/global/spend/report", {"team_id": "t"})).json()

    (team,) = day["teams"]
    assert ("t", 3, ["gpt-4o", "o3"]) == (
        team["team_name"],
        team["total_spend"],
        [part["model"] for part in team["metadata"]],
    )


async def test_activity_counts_requests_and_tokens(admin: Admin) -> None:
    await given_rows(
        admin, spend_row(1, spend=1), spend_row(2, spend=1, metadata={"status": "failure"})
    )

    whole = (await admin.get("/global/activity")).json()
    models = (await admin.get("/global/activity/model")).json()
    failed = (await admin.get("/global/activity/exceptions")).json()

    assert (2, 10) == (whole["sum_api_requests"], whole["sum_total_tokens"])
    assert [("gpt-4o", 2)] == [(m["model"], m["sum_api_requests"]) for m in models]
    assert [{"model": "gpt-4o", "failed_requests": 1}] == failed


async def test_the_report_tells_what_one_key_or_one_user_spent(admin: Admin) -> None:
    await given_rows(
        admin,
        spend_row(1, spend=10**9, api_key="k1", user="u1"),
        spend_row(2, spend=2 * 10**9, api_key="k2", user="u1"),
        spend_row(3, spend=4 * 10**9, api_key="k3", user="u2"),
    )

    key, user = [
        (await admin.get("/global/spend/report", query)).json()
        for query in ({"api_key": "k3"}, {"internal_user_id": "u1"})
    ]

    assert [("k3", 4)] == [(row["api_key"], row["total_cost"]) for row in key]
    assert [("k2", 2), ("k1", 1)] == [(row["api_key"], row["total_cost"]) for row in user]


async def test_tags_are_told_of_by_name_and_teams_without_those_that_are_left_out(
    admin: Admin,
) -> None:
    await given_rows(
        admin,
        spend_row(1, spend=10**9, team_id="a", request_tags=["x", "y"]),
        spend_row(2, spend=2 * 10**9, team_id="b", request_tags=["z"]),
    )

    tags = (await admin.get("/global/spend/tags", {"tags": "x, z"})).json()
    days = (await admin.get("/team/daily/activity", {"exclude_team_ids": "a"})).json()

    assert ["z", "x"] == [tag["individual_request_tag"] for tag in tags]
    assert 2 == days["metadata"]["total_spend"]


async def test_the_ledger_is_shown_page_by_page_with_filters(admin: Admin) -> None:
    await given_rows(
        admin,
        *(spend_row(n, spend=n * 10**9, at=TODAY - timedelta(minutes=n)) for n in range(1, 4)),
        spend_row(9, spend=0, metadata={"status": "failure"}),
    )

    page = (await admin.get("/spend/logs/v2", {"page": "2", "page_size": "2"})).json()
    dear = (await admin.get("/spend/logs/v2", {"min_spend": "2.5"})).json()
    failed = (await admin.get("/spend/logs/v2", {"status_filter": "failure"})).json()

    assert (["r2", "r3"], 4, 2) == (
        [row["request_id"] for row in page["data"]],
        page["total"],
        page["total_pages"],
    )
    assert (["r3"], ["r9"]) == (
        [row["request_id"] for row in dear["data"]],
        [row["request_id"] for row in failed["data"]],
    )


async def test_who_is_no_admin_sees_their_own_rows_only(admin: Admin) -> None:
    user = await admin.given_user()
    await given_rows(admin, spend_row(1, spend=1, user=user["user_id"]), spend_row(2, spend=1))

    own = (await admin.get("/spend/logs/v2", key=user["key"])).json()
    others = await admin.get("/spend/logs/v2", {"user_id": "u"}, key=user["key"])

    assert (["r1"], 403) == ([row["request_id"] for row in own["data"]], others.status_code)


async def test_the_master_key_alone_resets_all_spend(admin: Admin) -> None:
    await admin.given_team(team_id="t", spend=2)
    key = await admin.given_key(spend=3, team_id="t")
    other_admin = await admin.given_user("proxy_admin")

    refused = await admin.post("/global/spend/reset", {}, key=other_admin["key"])
    await admin.made("/global/spend/reset")

    assert 401 == refused.status_code
    assert 0 == (await admin.info(key["key"]))["spend"]
    (team,) = admin.sql("select spend, budget_opening from litellm_teamtable")
    assert {"spend": 0, "budget_opening": 0} == team


async def test_a_call_is_priced_before_and_after(admin: Admin, provider: Provider) -> None:
    await admin.made("/model/new", **model("gpt", provider.url))
    usage = {"prompt_tokens": 1_000_000, "completion_tokens": 500_000}

    after = await admin.made(
        "/spend/calculate", completion_response={"model": "gpt", "usage": usage}
    )
    before = await admin.made(
        "/spend/calculate", model="gpt", messages=[{"role": "user", "content": "x" * 4_000}]
    )

    assert 2 == after["cost"]
    assert 0.001 <= before["cost"] < 0.0012


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/team/daily/activity", "team_ids"),
        ("/organization/daily/activity/aggregated", "organization_ids"),
        ("/customer/daily/activity", "end_user_ids"),
        ("/tag/daily/activity", "tags"),
        ("/team/daily/activity", "exclude_team_ids"),
        ("/global/spend/tags", "tags"),
        ("/team/spend/by_user", "team_ids"),
    ],
)
async def test_lists_of_ids_hold_no_control_characters(
    lasting: Admin, path: str, name: str
) -> None:
    reply = await lasting.get(path, {name: "a\0b"})

    assert (400, "invalid_request_error", name) == error_of(reply)


@pytest.mark.parametrize(
    "query",
    [
        {"start_date": "yesterday"},
        {"start_date": "0001-01-01"},
        {"end_date": "9999-12-32"},
        {"start_date": "2026-01-01'; drop table litellm_spendlogs; --"},
    ],
)
async def test_dates_nobody_understands_are_refused(admin: Admin, query: dict[str, str]) -> None:
    statuses = {
        (await admin.get(path, query)).status_code
        for path in ("/global/spend/keys", "/user/daily/activity", "/spend/logs/v2")
    }

    assert {400} == statuses
