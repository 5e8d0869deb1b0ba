"""A key's default budget for end users is the proxy admin's to set, and must be there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.admin.asking import error_of, own

if TYPE_CHECKING:
    from tests.admin.asking import Admin

FIELD = "end_user_budget_id"


async def a_budget(admin: Admin) -> str:
    made = await admin.made("/budget/new", budget_id=own("budget"), max_budget=1)
    return made["budget_id"]


async def test_a_key_is_told_with_the_budget_it_gives_end_users(lasting: Admin) -> None:
    budget = await a_budget(lasting)

    made = await lasting.given_key(end_user_budget_id=budget)

    info = await lasting.info(made["key"])
    assert (budget, budget) == (made[FIELD], info["metadata"][FIELD])


async def test_from_then_on_calls_look_for_the_end_users_they_name(admin: Admin) -> None:
    await admin.given_key(end_user_budget_id=await a_budget(admin))

    note = await admin.entry("policy:limited:end_user")

    assert note["version"] > 0


async def test_an_empty_text_takes_it_away(lasting: Admin) -> None:
    made = await lasting.given_key(end_user_budget_id=await a_budget(lasting))

    await lasting.made("/key/update", key=made["key"], end_user_budget_id="")

    assert FIELD not in (await lasting.info(made["key"]))["metadata"]


@pytest.mark.parametrize("body", [{FIELD: "nowhere"}, {"metadata": {FIELD: "nowhere"}}])
async def test_a_budget_that_is_not_there_is_refused(
    lasting: Admin, body: dict[str, object]
) -> None:
    made = await lasting.given_key()

    new = await lasting.post("/key/generate", body)
    changed = await lasting.post("/key/update", {"key": made["key"], **body})

    assert [(400, "invalid_request_error", FIELD)] * 2 == [error_of(new), error_of(changed)]


@pytest.mark.parametrize("is_in_metadata", [True, False])
async def test_below_the_proxy_admin_nobody_sets_it(
    lasting: Admin, *, is_in_metadata: bool
) -> None:
    user = await lasting.given_user()
    own_key: dict[str, Any] = await lasting.given_key(user_id=user["user_id"])
    field: dict[str, object] = {FIELD: await a_budget(lasting)}
    body = {"metadata": field} if is_in_metadata else field

    new = await lasting.post("/key/generate", body, key=user["key"])
    changed = await lasting.post("/key/update", {"key": own_key["key"], **body}, key=user["key"])

    assert [403, 403] == [new.status_code, changed.status_code]
