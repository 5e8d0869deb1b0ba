"""Budgets as objects, customers and tags: limits that others link to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of, own

if TYPE_CHECKING:
    from tests.admin.asking import Admin


async def test_a_budget_is_made_told_changed_and_deleted(lasting: Admin) -> None:
    made = await lasting.made(
        "/budget/new", max_budget=5, budget_duration="1mo", model_max_budget={"m": 1}
    )
    budget = made["budget_id"]

    changed = await lasting.made("/budget/update", budget_id=budget, rpm_limit=3)
    (found,) = await lasting.made("/budget/info", budgets=[budget])
    deleted = await lasting.made("/budget/delete", id=budget)

    assert made["budget_reset_at"] is not None
    assert (5, 3, {"m": 1}) == (
        found["max_budget"],
        found["rpm_limit"],
        found["model_max_budget"],
    )
    assert (changed, deleted) == (found, found)
    assert [] == await lasting.made("/budget/info", budgets=[budget])


async def test_budgets_are_listed_and_described(lasting: Admin) -> None:
    budget = (await lasting.made("/budget/new", max_budget=5))["budget_id"]

    listed = (await lasting.get("/budget/list")).json()
    settings = (await lasting.get("/budget/settings", {"budget_id": budget})).json()

    assert budget in {one["budget_id"] for one in listed}
    values = {one["field_name"]: one["field_value"] for one in settings}
    assert "5.000000000" == str(values["max_budget"])


async def test_a_budget_that_is_in_use_stays(lasting: Admin) -> None:
    budget = (await lasting.made("/budget/new", max_budget=5))["budget_id"]
    await lasting.given_key(budget_id=budget)

    reply = await lasting.post("/budget/delete", {"id": budget})

    assert (400, "invalid_request_error", "id") == error_of(reply)


async def test_a_budget_that_exists_is_not_made_again(lasting: Admin) -> None:
    body = {"budget_id": own("budget")}
    await lasting.made("/budget/new", **body)

    reply = await lasting.post("/budget/new", body)

    assert (409, "already_exists", "budget_id") == error_of(reply)


@pytest.mark.parametrize("path", ["/budget/update", "/budget/delete"])
async def test_a_budget_nobody_made_is_not_found(lasting: Admin, path: str) -> None:
    reply = await lasting.post(path, {"budget_id": "nobody's", "id": "nobody's"})

    assert 404 == error_of(reply)[0]


@pytest.mark.parametrize("whose", ["customer", "end_user"])
async def test_a_customer_is_made_told_changed_and_deleted(lasting: Admin, whose: str) -> None:
    name = own("customer")

    await lasting.made(
        f"/{whose}/new", user_id=name, alias="n", max_budget=5, budget_duration="1d", models=["m"]
    )
    await lasting.made(f"/{whose}/update", user_id=name, rpm_limit=3, default_model="m")
    found = (await lasting.get(f"/{whose}/info", {"end_user_id": name})).json()
    deleted = await lasting.made(f"/{whose}/delete", user_ids=[name])

    budget = found["litellm_budget_table"]
    assert ("n", ["m"], "m") == (found["alias"], found["models"], found["default_model"])
    assert (5, "1d", 3) == (budget["max_budget"], budget["budget_duration"], budget["rpm_limit"])
    assert 1 == deleted["deleted_customers"]
    assert 404 == (await lasting.get(f"/{whose}/info", {"end_user_id": name})).status_code


async def test_customers_are_blocked_and_unblocked_also_unknown_ones(lasting: Admin) -> None:
    name = own("customer")

    blocked = await lasting.made("/customer/block", user_ids=[name])
    unblocked = await lasting.made("/customer/unblock", user_ids=[name])

    assert [True] == [one["blocked"] for one in blocked["blocked_users"]]
    assert [False] == [one["blocked"] for one in unblocked["blocked_users"]]


async def test_a_customer_that_exists_is_not_made_again(lasting: Admin) -> None:
    body = {"user_id": own("customer")}
    await lasting.made("/customer/new", **body)

    reply = await lasting.post("/customer/new", body)

    assert (409, "already_exists", "user_id") == error_of(reply)


async def test_customers_are_listed(lasting: Admin) -> None:
    name = own("customer")
    await lasting.made("/customer/new", user_id=name, spend=2)

    listed = (await lasting.get("/customer/list")).json()

    assert {name: 2} == {one["user_id"]: one["spend"] for one in listed if one["user_id"] == name}


async def test_a_tag_is_made_told_changed_and_deleted(lasting: Admin) -> None:
    name = own("tag")

    made = await lasting.made("/tag/new", name=name, description="d", models=["m"], max_budget=5)
    await lasting.made("/tag/update", name=name, tpm_limit=3, spend=1)
    found = (await lasting.made("/tag/info", names=[name]))[name]
    listed = (await lasting.get("/tag/list")).json()
    await lasting.made("/tag/delete", name=name)

    budget = found["litellm_budget_table"]
    assert f"Tag {name} created successfully" == made["message"]
    assert ("d", ["m"], 1) == (found["description"], found["models"], found["spend"])
    assert (5, 3) == (budget["max_budget"], budget["tpm_limit"])
    assert name in {one["name"] for one in listed}
    assert 404 == error_of(await lasting.post("/tag/info", {"names": [name]}))[0]


async def test_a_tag_that_exists_is_not_made_again(lasting: Admin) -> None:
    body = {"name": own("tag")}
    await lasting.made("/tag/new", **body)

    reply = await lasting.post("/tag/new", body)

    assert (409, "already_exists", "name") == error_of(reply)


HOUR_AND_DAY = {"rph_limit": 1, "tph_limit": 2, "rpd_limit": 3, "tpd_limit": 4}


@pytest.mark.parametrize("path", ["/key/generate", "/user/new", "/team/new", "/budget/new"])
async def test_limits_by_the_hour_and_by_the_day_are_kept(lasting: Admin, path: str) -> None:
    made = await lasting.made(path, **HOUR_AND_DAY)

    assert HOUR_AND_DAY == {name: made[name] for name in HOUR_AND_DAY}
