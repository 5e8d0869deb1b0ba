"""The audit log: who did what to what, before and after, and no secret in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import own

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json


def lines(admin: Admin, object_id: str) -> list[Json]:
    return admin.sql(
        "select action, table_name, changed_by, before_value, updated_values"
        " from litellm_auditlog where object_id = %s order by updated_at, id",
        object_id,
    )


async def test_a_change_is_told_with_what_was_before_and_after(lasting: Admin) -> None:
    made = await lasting.given_key(max_budget=1)
    await lasting.post("/key/update", {"key": made["key"], "max_budget": 2}, changed_by="the boss")

    created, updated = lines(lasting, made["token"])

    assert ("created", None) == (created["action"], created["before_value"])
    assert ("updated", "the boss") == (updated["action"], updated["changed_by"])
    assert ("1.000000000", "2.000000000") == (
        updated["before_value"]["max_budget"],
        updated["updated_values"]["max_budget"],
    )


@pytest.mark.parametrize(
    ("path", "body", "name", "table"),
    [
        ("/budget/new", {}, "budget_id", "LiteLLM_BudgetTable"),
        ("/organization/new", {}, "organization_id", "LiteLLM_OrganizationTable"),
        ("/customer/new", {}, "user_id", "LiteLLM_EndUserTable"),
        ("/tag/new", {}, "name", "LiteLLM_TagTable"),
        ("/team/new", {}, "team_id", "LiteLLM_TeamTable"),
        ("/user/new", {"auto_create_key": False}, "user_id", "LiteLLM_UserTable"),
    ],
)
async def test_whatever_is_made_is_noted(
    lasting: Admin, path: str, body: Json, name: str, table: str
) -> None:
    object_id = own()

    await lasting.made(path, **body, **{name: object_id})

    assert [("created", table)] == [
        (one["action"], one["table_name"]) for one in lines(lasting, object_id)
    ]


async def test_secrets_in_metadata_are_not_noted(lasting: Admin) -> None:
    secret = own("canary")
    metadata = {"logging": [{"callback_vars": {"langfuse_secret_key": secret, "host": "h"}}]}
    made = await lasting.given_key(metadata=metadata)

    (line,) = lines(lasting, made["token"])

    variables = line["updated_values"]["metadata"]["logging"][0]["callback_vars"]
    assert {"langfuse_secret_key": "REDACTED", "host": "h"} == variables


async def test_a_new_secret_is_noted_without_being_told(lasting: Admin) -> None:
    made = await lasting.given_key()
    new = await lasting.made("/key/regenerate", key=made["key"])

    noted = lines(lasting, made["token"])

    assert "rotated" == noted[-1]["action"]
    assert new["key"] not in str(noted)


async def test_the_keys_of_a_deleted_user_are_noted(lasting: Admin) -> None:
    user = await lasting.given_user()
    await lasting.made("/user/delete", user_ids=[user["user_id"]])

    assert "deleted" == lines(lasting, user["token"])[-1]["action"]
    assert "deleted" == lines(lasting, user["user_id"])[-1]["action"]
