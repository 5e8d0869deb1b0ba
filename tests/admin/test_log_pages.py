"""The ledger page by page: found and sorted by everything LiteLLM finds and sorts it by."""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of
from tests.admin.test_reports import TODAY, given_rows, spend_row

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json

_AN_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"sort_by": "spend", "sort_order": "asc"}, ["r1", "r2", "r3"]),
        ({"sort_by": "spend"}, ["r3", "r2", "r1"]),
        ({"sort_by": "model"}, ["r3", "r2", "r1"]),
        ({"sort_by": "model", "sort_order": "asc"}, ["r1", "r2", "r3"]),
        ({"sort_by": "ttft_ms"}, ["r1", "r2", "r3"]),
        ({"sort_order": "asc"}, ["r3", "r2", "r1"]),
        ({"sort_by": "total_tokens", "page": "2", "page_size": "2"}, ["r3"]),
        ({"model_id": "id-2"}, ["r2"]),
        ({"model_group": "group-2"}, ["r2"]),
        ({"key_alias": "alias-2"}, ["r2"]),
        ({"session_id": "session-2"}, ["r2"]),
        ({"error_code": "502"}, ["r2"]),
        ({"cache_hit_filter": "hit"}, ["r2"]),
        ({"cache_hit_filter": "miss"}, ["r1", "r3"]),
        ({"search": "id-2"}, ["r2"]),
    ],
)
async def test_rows_are_found_and_sorted_by(
    admin: Admin, query: dict[str, str], expected: list[str]
) -> None:
    def metadata(n: int) -> Json:
        error = {"error_information": {"error_code": 500 + n}}
        return {"status": "success", "user_api_key_alias": f"the alias-{n}.", **error}

    await given_rows(
        admin,
        *(
            spend_row(
                n,
                spend=n * 10**9,
                at=TODAY - timedelta(minutes=n),
                model=f"model-{n}",
                model_id=f"id-{n}",
                model_group=f"group-{n}",
                session_id=f"the session-{n}.",
                cache_hit=n == 2,
                metadata=metadata(n),
            )
            for n in range(1, 4)
        ),
    )

    page = (await admin.get("/spend/logs/v2", query)).json()

    assert expected == [row["request_id"] for row in page["data"]]


async def test_rows_are_found_by_the_time_of_day(admin: Admin) -> None:
    rows = [spend_row(n, spend=1, at=TODAY - timedelta(minutes=n)) for n in range(1, 4)]
    await given_rows(admin, *rows)
    then = TODAY - timedelta(minutes=2)
    second, elsewhere = then.strftime("%Y-%m-%d %H:%M:%S"), then.astimezone(timezone(_AN_HOUR))
    queries = [
        {"start_date": second, "end_date": second},
        {"start_date": elsewhere.isoformat(timespec="seconds")},
        {"start_date": f"{then:%Y-%m-%d}", "end_date": f"{then:%Y-%m-%d}"},
    ]

    pages = [(await admin.get("/spend/logs/v2", query)).json()["data"] for query in queries]

    assert [["r2"], ["r1", "r2"], ["r1", "r2", "r3"]] == [
        [row["request_id"] for row in page] for page in pages
    ]


async def test_rows_are_sorted_by_no_other_column(admin: Admin) -> None:
    reply = await admin.get("/spend/logs/v2", {"sort_by": "metadata; --"})

    assert (400, "invalid_request_error", "sort_by") == error_of(reply)
