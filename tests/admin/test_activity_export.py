"""Daily activity as a table: LiteLLM's columns, exact money, nobody else's rows."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest

from shared.admin import activity_export
from tests.admin.asking import error_of

if TYPE_CHECKING:
    from tests.admin.asking import Admin

DAYS = {"start_date": "2026-01-01", "end_date": "2026-01-31"}
COLUMNS = [
    *("date", "entity_id", "entity_alias", "api_key", "key_alias", "user_id", "user_email"),
    *("model", "spend", "flat_cost", "prompt_tokens", "completion_tokens", "api_requests"),
    *("successful_requests", "failed_requests", "cache_read_input_tokens"),
    "cache_creation_input_tokens",
]


async def given_days(admin: Admin) -> str:
    """Two models of one team's key on one day; return the key's hash."""
    await admin.given_team(team_id="t", team_alias="=Research")
    made = await admin.given_key(team_id="t", key_alias="night", user_id="ada")
    for name, spend in (("gpt", "0.000000001"), ("claude", "0.25")):
        for table, column, entity in (
            ("litellm_dailyteamspend", "team_id", "t"),
            ("litellm_dailyuserspend", "user_id", "ada"),
        ):
            admin.sql(
                f"insert into {table} ({column}, date, api_key, model, spend, api_requests)"  # noqa: S608 - our own names
                " values (%s, '2026-01-15', %s, %s, %s, 3)",
                entity,
                made["token"],
                name,
                spend,
            )
    return made["token"]


async def rows_of(admin: Admin, kind: str, **query: str) -> list[dict[str, str]]:
    reply = await admin.get(f"/{kind}/daily/activity/export", {**DAYS, **query})
    assert 200 == reply.status_code, reply.text
    return list(csv.DictReader(io.StringIO(reply.text)))


async def test_a_day_is_one_row_with_litellms_columns(admin: Admin) -> None:
    await given_days(admin)

    reply = await admin.get("/team/daily/activity/export", DAYS)

    rows = list(csv.reader(io.StringIO(reply.text)))
    assert "text/csv; charset=utf-8" == reply.headers["content-type"]
    assert (
        'attachment; filename="team-usage-2026-01-01-2026-01-31-daily.csv"'
        == reply.headers["content-disposition"]
    )
    assert COLUMNS == rows[0]
    # A spreadsheet must not calculate what somebody called a team.
    assert [["2026-01-15", "t", "'=Research", *[""] * 5, "0.250000001", "0"]] == [
        row[:10] for row in rows[1:]
    ]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("daily_with_models", [("", "", "claude"), ("", "", "gpt")]),
        ("daily_with_keys", [("night", "ada", "")]),
        ("daily_with_users", [("", "ada", "")]),
    ],
)
async def test_a_day_is_split_as_asked(
    admin: Admin, split: str, expected: list[tuple[str, str, str]]
) -> None:
    await given_days(admin)

    rows = await rows_of(admin, "team", export_type=split)

    assert expected == [(row["key_alias"], row["user_id"], row["model"]) for row in rows]


async def test_json_has_the_same_rows_with_exact_money(admin: Admin) -> None:
    token = await given_days(admin)

    query = {**DAYS, "export_type": "daily_with_keys", "format": "json"}
    reply = await admin.get("/user/daily/activity/export", query)

    (row,) = reply.json()
    assert (token, 6) == (row["api_key"], row["api_requests"])
    assert '"spend":0.250000001' in reply.text


async def test_a_user_takes_along_their_own_days_alone(admin: Admin) -> None:
    await given_days(admin)
    key = (await admin.given_user(user_id="eve"))["key"]

    own = await admin.get("/user/daily/activity/export", DAYS, key=key)
    adas = await admin.get("/user/daily/activity/export", {**DAYS, "user_id": "ada"}, key=key)
    teams = await admin.get("/team/daily/activity/export", DAYS, key=key)

    assert (200, 1) == (own.status_code, len(own.text.splitlines()))
    assert [403, 401] == [adas.status_code, teams.status_code]


@pytest.mark.slow
async def test_too_much_at_once_is_refused(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    await given_days(admin)
    monkeypatch.setattr(activity_export, "ROWS_AT_MOST", 1)

    query = {**DAYS, "export_type": "daily_with_models"}
    reply = await admin.get("/team/daily/activity/export", query)

    assert (400, "invalid_request_error", "start_date") == error_of(reply)
