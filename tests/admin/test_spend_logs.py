"""The ledger is shown row by row, or summed by day, in LiteLLM's names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import orjson
import pytest

from tests.admin.asking import error_of

if TYPE_CHECKING:
    from tests.admin.asking import Admin

TODAY = datetime(2026, 3, 10, 12, tzinfo=UTC)


def given_row(
    admin: Admin,
    request_id: str = "r",
    *,
    spend: str = "0.1",
    at: datetime = TODAY,
    **fields: object,
) -> None:
    row = {"api_key": "hash", "model": "gpt-4o", "user": "u", **fields}
    admin.sql(
        "insert into litellm_spendlogs (id, request_id, call_type, api_key, spend, total_tokens,"
        ' prompt_tokens, completion_tokens, start_time, end_time, model, "user", metadata)'
        " values (tollgate_uuid7(%s), %s, 'acompletion', %s, %s::numeric, 3, 2, 1, %s, %s, %s, %s,"
        ' \'{"status": "success"}\')',
        *(at, request_id, row["api_key"], spend, at, at, row["model"], row["user"]),
    )
    admin.sql(
        "insert into litellm_dailyuserspend (user_id, date, api_key, model, model_group, spend)"
        " values (%s, %s, %s, %s, %s, %s::numeric)",
        *(row["user"], at.date(), row["api_key"], row["model"], request_id, spend),
    )


async def logs_of(admin: Admin, **query: str) -> list[str]:
    reply = await admin.get("/spend/logs", query)
    assert 200 == reply.status_code, reply.text
    return [row["request_id"] for row in reply.json()]


async def test_a_row_has_litellms_names(admin: Admin) -> None:
    given_row(admin, "chatcmpl-1")

    (row,) = (await admin.get("/spend/logs")).json()

    names = (
        "request_id call_type api_key spend total_tokens prompt_tokens completion_tokens startTime "
        "endTime model api_base user team_id end_user metadata cache_hit cache_key request_tags"
    )
    assert set(names.split()) <= row.keys()
    assert ("chatcmpl-1", 3, "2026-03-10T12:00:00Z", "False", {"status": "success"}) == tuple(
        row[name] for name in ("request_id", "total_tokens", "startTime", "cache_hit", "metadata")
    )


@pytest.mark.parametrize("spend", ["0.000000001", "123456.123456789", "-0.000000042", "0"])
async def test_spend_is_a_plain_number_with_every_digit(admin: Admin, spend: str) -> None:
    given_row(admin, spend=spend)

    reply = await admin.get("/spend/logs")

    assert f'"spend":{spend},' in reply.text
    assert float(spend) == orjson.loads(reply.content)[0]["spend"]


async def test_the_newest_rows_come_first_and_no_more_than_asked_for(admin: Admin) -> None:
    for n in range(3):
        given_row(admin, f"r{n}", at=TODAY + n * timedelta(minutes=1))

    assert ["r2", "r1"] == await logs_of(admin, limit="2")


async def test_rows_are_filtered_by_key_in_plain_or_by_hash(admin: Admin) -> None:
    made = await admin.given_key()
    given_row(admin, "mine", api_key=made["token"])
    given_row(admin, "other")

    assert ["mine"] == await logs_of(admin, api_key=made["key"])
    assert ["mine"] == await logs_of(admin, api_key=made["token"])


async def test_rows_are_filtered_by_user_and_by_request(admin: Admin) -> None:
    given_row(admin, "a", user="x")
    given_row(admin, "b", user="y")

    assert ["a"] == await logs_of(admin, user_id="x")
    assert ["b"] == await logs_of(admin, request_id="b")
    assert [] == await logs_of(admin, user_id="x", request_id="b")


async def test_dates_include_the_last_day(admin: Admin) -> None:
    for day in (9, 10, 11, 12):
        given_row(admin, f"r{day}", at=TODAY.replace(day=day))

    found = await logs_of(admin, start_date="2026-03-10", end_date="2026-03-11", summarize="false")

    assert ["r11", "r10"] == found


async def test_between_two_dates_spend_is_summed_by_day(admin: Admin) -> None:
    given_row(admin, "a", spend="0.1")
    given_row(admin, "b", spend="0.2", user="v", model="o3")
    given_row(admin, "c", spend="5", at=TODAY + timedelta(days=1), api_key="other")

    query = {"start_date": "2026-03-09", "end_date": "2026-03-13"}
    days = (await admin.get("/spend/logs", query)).json()

    assert ["2026-03-10", "2026-03-11", "2026-03-12", "2026-03-13"] == [
        d["startTime"] for d in days
    ]
    assert {
        "startTime": "2026-03-10",
        "spend": 0.3,
        "hash": 0.3,
        "users": {"u": 0.1, "v": 0.2},
        "models": {"gpt-4o": 0.1, "o3": 0.2},
    } == days[0]
    assert [5, 0, 0] == [day["spend"] for day in days[1:]]


async def test_sums_can_be_of_one_request(admin: Admin) -> None:
    given_row(admin, "a", spend="0.1")
    given_row(admin, "b", spend="0.2")

    query = {"start_date": "2026-03-10", "end_date": "2026-03-10", "request_id": "b"}
    (day,) = (await admin.get("/spend/logs", query)).json()

    assert 0.2 == day["spend"]


async def test_dates_without_spend_have_no_sums(admin: Admin) -> None:
    query = {"start_date": "2026-03-10", "end_date": "2026-03-12"}

    assert [] == (await admin.get("/spend/logs", query)).json()


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("yesterday", "2026-03-10"),
        ("2026-03-10", "2026-13-01"),
        ("0001-01-01", "9999-12-30"),
        ("2026-03-10", "9999-12-31"),
        ("0001-01-01T00:00:00+23:00", "2026-03-10"),
        ("2026-03-10\n", "2026-03-10"),
    ],
)
async def test_dates_nobody_understands_are_refused(admin: Admin, start: str, end: str) -> None:
    reply = await admin.get("/spend/logs", {"start_date": start, "end_date": end})

    assert 400 == error_of(reply)[0]


async def test_users_see_their_own_rows_only(admin: Admin) -> None:
    user = await admin.given_user()
    given_row(admin, "own", user=user["user_id"])
    given_row(admin, "other")

    reply = await admin.get("/spend/logs", key=user["key"])

    assert ["own"] == [row["request_id"] for row in reply.json()]


async def test_users_cannot_ask_for_the_rows_of_others(admin: Admin) -> None:
    user = await admin.given_user()
    given_row(admin, "other", user="v", api_key="hash")

    by_user = await admin.get("/spend/logs", {"user_id": "v"}, key=user["key"])
    by_key = await admin.get("/spend/logs", {"api_key": "hash"}, key=user["key"])

    assert 403 == error_of(by_user)[0]
    assert [] == by_key.json()


async def test_a_key_of_nobody_sees_its_own_rows_only(admin: Admin) -> None:
    made = await admin.given_key()
    given_row(admin, "own", api_key=made["token"])
    given_row(admin, "other")

    own = await admin.get("/spend/logs", key=made["key"])
    other = await admin.get("/spend/logs", {"api_key": "hash"}, key=made["key"])

    assert ["own"] == [row["request_id"] for row in own.json()]
    assert 403 == error_of(other)[0]
