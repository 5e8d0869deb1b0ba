"""`budget_fallbacks` of keys, and the fields of LiteLLM's that mean nothing here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of

if TYPE_CHECKING:
    from tests.admin.asking import Admin

CHAIN = {"gpt-4o": ["gpt-4o-mini", "claude"]}


async def test_a_key_is_told_with_its_chains_until_they_are_taken_away(lasting: Admin) -> None:
    made = await lasting.given_key(budget_fallbacks=CHAIN)
    info = await lasting.info(made["key"])

    await lasting.made("/key/update", key=made["key"], budget_fallbacks=None)

    after = await lasting.info(made["key"])
    chains = [each["budget_fallbacks"] for each in (made, info, after)]
    assert [CHAIN, CHAIN, None] == chains


async def test_a_deleted_key_is_archived_with_them(lasting: Admin) -> None:
    made = await lasting.given_key(budget_fallbacks=CHAIN)

    await lasting.made("/key/delete", keys=[made["key"]])

    assert CHAIN == (await lasting.info(made["key"]))["budget_fallbacks"]


async def test_a_change_of_them_is_in_force_at_once(admin: Admin) -> None:
    made = await admin.given_key()

    await admin.made("/key/update", key=made["key"], budget_fallbacks=CHAIN)

    entry = await admin.entry(f"key:{made['token']}")
    assert CHAIN == entry["metadata"]["budget_fallbacks"]


@pytest.mark.parametrize(
    "chains", [{"a": "b"}, {"a": [1]}, ["a"], {"a": ["b"] * 6}, {"": ["b"]}, {"a": [""]}]
)
async def test_what_is_no_chain_is_refused(lasting: Admin, chains: object) -> None:
    reply = await lasting.post("/key/generate", {"budget_fallbacks": chains})

    assert (400, "invalid_request_error") == error_of(reply)[:2]


@pytest.mark.parametrize(
    "field",
    [
        {"project_id": "p"},
        {"agent_id": "a"},
        {"object_permission": {"vector_stores": ["v"]}},
        {"guardrails": ["pii"]},
        {"policies": ["strict"]},
        {"denied_passthrough_routes": ["/openai"]},
    ],
)
async def test_a_limit_by_what_is_not_here_is_refused_and_not_left_aside(
    lasting: Admin, field: dict[str, object]
) -> None:
    made = await lasting.given_key()

    new = await lasting.post("/key/generate", field)
    changed = await lasting.post("/key/update", {"key": made["key"], **field})

    (name,) = field
    assert [(400, "invalid_request_error", name)] * 2 == [error_of(new), error_of(changed)]


async def test_such_a_field_that_is_empty_says_nothing(lasting: Admin) -> None:
    user = await lasting.given_user()
    made = await lasting.given_key(user_id=user["user_id"])
    empty: dict[str, object] = {
        "project_id": None,
        "agent_id": "",
        "object_permission": {"vector_stores": []},
    }
    empty |= {"guardrails": [], "policies": None}

    new = await lasting.post("/key/generate", empty, key=user["key"])
    changed = await lasting.post("/key/update", {"key": made["key"], **empty}, key=user["key"])

    assert [200, 200] == [new.status_code, changed.status_code]
