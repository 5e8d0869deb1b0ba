"""A change of a budget brings no period back that is over, whatever no job has booked yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import own

if TYPE_CHECKING:
    from datetime import datetime

    from tests.admin.asking import Admin

ENTITIES = """
    select 'key' as kind, spend, budget_started_at as since
    from litellm_verificationtoken where budget_id = %s
    union all
    select 'customer', spend, budget_started_at from litellm_endusertable where budget_id = %s
    union all
    select 'tag', spend, budget_started_at from litellm_tagtable where budget_id = %s
    union all
    select 'organisation', spend, budget_started_at
    from litellm_organizationtable where budget_id = %s
    """


async def given_due_budget(admin: Admin) -> tuple[str, datetime, dict[str, str]]:
    """Make a daily budget whose day was over an hour ago, all kinds linked to it having spent."""
    budget_id, name = own("b"), own("name")
    await admin.made("/budget/new", budget_id=budget_id, max_budget=5, budget_duration="1d")
    key = await admin.given_key(budget_id=budget_id)
    await admin.made("/customer/new", user_id=name, budget_id=budget_id)
    await admin.made("/tag/new", name=name, budget_id=budget_id)
    org = await admin.made("/organization/new", organization_alias=name, budget_id=budget_id)
    [due] = admin.sql(
        "update litellm_budgettable set budget_reset_at = date_trunc('hour', now())"
        " where budget_id = %s returning budget_reset_at as since",
        budget_id,
    )
    for table in ("verificationtoken", "endusertable", "tagtable", "organizationtable"):
        admin.sql(
            f"update litellm_{table} set spend = 3, budget_started_at = now() - interval '2 days'"  # noqa: S608 - our own names
            " where budget_id = %s",
            budget_id,
        )
    linked = {"key": key["key"], "name": name, "organization_id": org["organization_id"]}
    return budget_id, due["since"], linked


async def test_a_budgets_new_duration_begins_the_period_that_is_due(admin: Admin) -> None:
    budget_id, due, _ = await given_due_budget(admin)

    await admin.made("/budget/update", budget_id=budget_id, budget_duration="30d")

    rows = admin.sql(ENTITIES, *[budget_id] * 4)
    assert {"key", "customer", "tag", "organisation"} == {row["kind"] for row in rows}
    assert [(0, due)] * 4 == [(row["spend"], row["since"]) for row in rows]


@pytest.mark.parametrize("kind", ["key", "customer", "tag", "organization"])
async def test_another_budget_begins_the_period_that_was_due_by_the_former(
    admin: Admin, kind: str
) -> None:
    _, due, linked = await given_due_budget(admin)
    other = own("b")
    await admin.made("/budget/new", budget_id=other, max_budget=5, budget_duration="30d")
    name = {
        "key": {"key": linked["key"]},
        "customer": {"user_id": linked["name"]},
        "tag": {"name": linked["name"]},
        "organization": {"organization_id": linked["organization_id"]},
    }[kind]

    method = "PATCH" if kind == "organization" else "POST"
    reply = await admin.send(method, f"/{kind}/update", {**name, "budget_id": other})

    assert 200 == reply.status_code, reply.text
    [moved] = admin.sql(ENTITIES, *[other] * 4)
    assert (0, due) == (moved["spend"], moved["since"])
