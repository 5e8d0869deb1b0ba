"""Keys are shown whole to those who may see them, and page by page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of

if TYPE_CHECKING:
    from tests.admin.asking import Admin


async def test_a_key_tells_about_itself_without_being_named(admin: Admin) -> None:
    made = await admin.given_key(max_budget=5)

    reply = (await admin.get("/key/info", key=made["key"])).json()

    assert (made["token"], 5) == (reply["key"], reply["info"]["max_budget"])


async def test_an_unknown_key_is_404(admin: Admin) -> None:
    reply = await admin.get("/key/info", {"key": "sk-nobody-has-this-one"})

    assert (404, "not_found_error", "key") == error_of(reply)


async def test_a_deleted_key_is_remembered_as_deleted(admin: Admin) -> None:
    made = await admin.given_key(key_alias="old")
    await admin.made("/key/delete", keys=[made["key"]])

    info = await admin.info(made["key"])

    assert ("deleted", "old") == (info["status"], info["key_alias"])


async def test_no_answer_but_the_first_tells_a_plaintext_key(admin: Admin) -> None:
    key = (await admin.given_key(user_id="u"))["key"]

    replies = [
        await admin.get("/key/info", {"key": key}),
        await admin.get("/key/list", {"return_full_object": "true"}),
        await admin.get("/user/info", {"user_id": "u"}),
        await admin.post("/key/update", {"key": key, "rpm_limit": 1}),
        await admin.post("/key/block", {"key": key}),
    ]

    assert [200] * 5 == [reply.status_code for reply in replies]
    assert not [reply.text for reply in replies if key in reply.text]


async def test_spend_of_a_period_that_ended_is_not_shown(admin: Admin) -> None:
    made = await admin.given_key(max_budget=10, budget_duration="1h")
    admin.sql(
        "update litellm_verificationtoken set spend = 7,"
        " budget_started_at = now() - interval '9 h',"
        " budget_reset_at = date_trunc('hour', now()) - interval '5 h'"
    )

    info = await admin.info(made["key"])

    assert (0, made["budget_reset_at"]) == (info["spend"], info["budget_reset_at"])


async def test_spend_is_a_plain_number_with_every_digit(admin: Admin) -> None:
    key = (await admin.given_key())["key"]
    admin.sql("update litellm_verificationtoken set spend = 1234567.123456789")

    reply = await admin.get("/key/info", {"key": key})

    assert '"spend":1234567.123456789,' in reply.text


async def test_a_list_goes_page_by_page_through_every_key(admin: Admin) -> None:
    made = {(await admin.given_key())["token"] for _ in range(5)}

    pages = [
        (await admin.get("/key/list", {"page": str(n), "size": "2"})).json() for n in (1, 2, 3)
    ]

    assert [2, 2, 1] == [len(page["keys"]) for page in pages]
    assert made == {token for page in pages for token in page["keys"]}
    assert (5, 3, 3) == tuple(pages[2][n] for n in ("total_count", "current_page", "total_pages"))


async def test_a_list_beyond_its_end_is_empty(admin: Admin) -> None:
    reply = await admin.get("/key/list", {"page": "1000000", "size": "100"})

    assert [] == reply.json()["keys"]


@pytest.mark.parametrize("field", ["user_id", "team_id", "key_alias"])
async def test_a_list_is_filtered(admin: Admin, field: str) -> None:
    await admin.given_team(team_id="wanted")
    made = await admin.given_key(**{field: "wanted"})
    await admin.given_key()

    reply = await admin.get("/key/list", {field: "wanted"})

    assert [made["token"]] == reply.json()["keys"]


async def test_a_list_is_filtered_by_key(admin: Admin) -> None:
    made = await admin.given_key()
    await admin.given_key()

    replies = [await admin.get("/key/list", {"key_hash": made[n]}) for n in ("key", "token")]

    assert [[made["token"]]] * 2 == [reply.json()["keys"] for reply in replies]


@pytest.mark.parametrize(
    ("sort_by", "values"),
    [
        ("max_budget", [1, 2, 3]),
        ("key_alias", ["a", "b", "c"]),
        ("spend", [0.1, 0.2, 10]),
    ],
)
async def test_a_list_is_sorted_both_ways(admin: Admin, sort_by: str, values: list[object]) -> None:
    for value in (values[1], values[0], values[2]):
        await admin.given_key(**{sort_by: value})
    query = {"sort_by": sort_by, "return_full_object": "true"}

    up = (await admin.get("/key/list", {**query, "sort_order": "asc"})).json()["keys"]
    down = (await admin.get("/key/list", {**query, "sort_order": "desc"})).json()["keys"]

    assert values == [key[sort_by] for key in up]
    assert values[::-1] == [key[sort_by] for key in down]


async def test_the_newest_key_comes_first(admin: Admin) -> None:
    made = [(await admin.given_key())["token"] for _ in range(3)]

    reply = await admin.get("/key/list")

    assert made[::-1] == reply.json()["keys"]
