"""Keys are made, changed, blocked and deleted as LiteLLM does it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json

A_MINUTE = timedelta(minutes=1)
CUSTOM = "sk-a-custom-key-of-mine"


def hash_of(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


async def test_a_generated_key_is_told_with_its_hash_and_its_short_name(admin: Admin) -> None:
    made = await admin.given_key()

    assert made["key"].startswith("sk-")
    assert hash_of(made["key"]) == made["token"] == made["token_id"]
    assert f"sk-...{made['key'][-4:]}" == made["key_name"]


async def test_the_plaintext_of_a_key_is_stored_nowhere(admin: Admin) -> None:
    made = await admin.given_key()

    tables = ("litellm_verificationtoken", "litellm_auditlog")
    stored = [admin.sql(f"select row_to_json(t)::text as row from {t} t") for t in tables]  # noqa: S608
    assert made["key"] not in str(stored)


async def test_a_key_has_the_fields_it_was_given(admin: Admin) -> None:
    fields: Json = {
        "key_alias": "of:the {team}",
        "models": ["gpt-4o", "openai/*"],
        "max_budget": 12.5,
        "rpm_limit": 60,
        "tpm_limit": 10_000_000_000,
        "max_parallel_requests": 3,
        "metadata": {"owner": {"name": "Ärger"}},
        "permissions": {"allow_model_list": False},
        "aliases": {"small": "gpt-4o-mini"},
        "allowed_routes": ["/v1/chat/completions"],
        "blocked": True,
        "user_id": "somebody",
    }
    made = await admin.given_key(**fields)

    info = await admin.info(made["key"])

    assert fields == {name: info[name] for name in fields}


async def test_a_key_that_is_chosen_by_the_caller_is_taken(admin: Admin) -> None:
    made = await admin.given_key(key=CUSTOM)

    assert (CUSTOM, hash_of(CUSTOM)) == (made["key"], made["token"])


async def test_a_chosen_key_that_exists_is_refused(admin: Admin) -> None:
    await admin.given_key(key=CUSTOM)

    reply = await admin.post("/key/generate", {"key": CUSTOM})

    assert (400, "invalid_request_error", "key") == error_of(reply)


async def test_an_alias_that_exists_is_refused_in_litellms_words(admin: Admin) -> None:
    await admin.given_key(key_alias="mine")

    reply = await admin.post("/key/generate", {"key_alias": "mine"})

    assert (400, "invalid_request_error", "key_alias") == error_of(reply)
    assert "Key with alias 'mine' already exists" in reply.json()["error"]["message"]


async def test_a_key_of_an_unknown_user_makes_the_user(admin: Admin) -> None:
    await admin.given_key(user_id="new here")

    assert [{"user_id": "new here", "user_role": "internal_user"}] == admin.sql(
        "select user_id, user_role from litellm_usertable"
    )


async def test_a_key_of_an_unknown_team_is_refused(admin: Admin) -> None:
    before = admin.rows()

    reply = await admin.post("/key/generate", {"team_id": "nobody's", "user_id": "new here"})

    assert (400, "invalid_request_error", "team_id") == error_of(reply)
    assert before == admin.rows()


async def test_a_duration_becomes_an_exact_expiry(admin: Admin) -> None:
    made = await admin.given_key(duration="1h")

    expires = datetime.fromisoformat(made["expires"])
    assert abs(expires - datetime.now(UTC) - timedelta(hours=1)) < A_MINUTE


async def test_a_budget_duration_ends_at_the_calendars_next_boundary(admin: Admin) -> None:
    made = await admin.given_key(max_budget=1, budget_duration="1mo")

    reset_at = datetime.fromisoformat(made["budget_reset_at"])
    assert (1, 0, 0) == (reset_at.day, reset_at.hour, reset_at.minute)
    assert reset_at > datetime.now(UTC)


@pytest.mark.parametrize("duration", ["", "1", "soon", "0d", "-5m", "2mo", "1.5h", "9" * 30 + "d"])
async def test_a_duration_nobody_understands_is_refused(admin: Admin, duration: str) -> None:
    reply = await admin.post("/key/generate", {"budget_duration": duration})

    assert 400 == error_of(reply)[0]


@pytest.mark.parametrize("dollars", [0, 0.1, 1e-9, 123456.123456789, 9_000_000])
async def test_a_budget_is_kept_to_the_nanodollar(admin: Admin, dollars: float) -> None:
    made = await admin.given_key(max_budget=dollars)

    stored = admin.sql("select (max_budget * 1e9)::bigint as n from litellm_verificationtoken")
    assert [{"n": round(dollars * 1e9)}] == stored
    assert dollars == (await admin.info(made["key"]))["max_budget"]


async def test_what_is_finer_than_a_nanodollar_is_rounded_down(admin: Admin) -> None:
    made = await admin.given_key(max_budget=0.0000000019)

    assert 1e-9 == made["max_budget"]


async def test_tags_lie_in_the_metadata(admin: Admin) -> None:
    made = await admin.given_key(tags=["a", "b"], metadata={"c": 1})

    assert {"c": 1, "tags": ["a", "b"]} == made["metadata"]


async def test_a_key_type_stands_for_routes(admin: Admin) -> None:
    made = await admin.given_key(key_type="llm_api")

    assert ["llm_api_routes"] == made["allowed_routes"]


async def test_fields_nobody_knows_are_ignored(admin: Admin) -> None:
    reply = await admin.post("/key/generate", {"send_invite_email": False, "whatever": [1]})

    assert 200 == reply.status_code


async def test_an_update_changes_what_it_names_and_nothing_else(admin: Admin) -> None:
    made = await admin.given_key(models=["a"], rpm_limit=5, max_budget=1)

    await admin.made("/key/update", key=made["key"], models=["b"], max_budget=None)

    info = await admin.info(made["key"])
    assert (["b"], 5, None) == (info["models"], info["rpm_limit"], info["max_budget"])


async def test_a_key_can_be_named_by_its_hash(admin: Admin) -> None:
    made = await admin.given_key()

    reply = await admin.made("/key/update", key=made["token"], key_alias="by hash")

    assert (made["token"], "by hash") == (reply["key"], reply["key_alias"])


async def test_an_update_may_repeat_the_keys_own_alias(admin: Admin) -> None:
    made = await admin.given_key(key_alias="mine")

    reply = await admin.post("/key/update", {"key": made["key"], "key_alias": "mine"})

    assert 200 == reply.status_code


async def test_an_update_to_another_keys_alias_is_refused(admin: Admin) -> None:
    await admin.given_key(key_alias="taken")
    made = await admin.given_key()

    reply = await admin.post("/key/update", {"key": made["key"], "key_alias": "taken"})

    assert (400, "invalid_request_error", "key_alias") == error_of(reply)


async def test_setting_spend_starts_a_period_with_it(admin: Admin) -> None:
    made = await admin.given_key(max_budget=10)
    before = admin.sql("select budget_started_at from litellm_verificationtoken")[0]

    await admin.made("/key/update", key=made["key"], spend=2.5)

    (row,) = admin.sql("select * from litellm_verificationtoken")
    assert (2.5, 2.5) == (float(row["spend"]), float(row["budget_opening"]))
    assert row["budget_started_at"] > before["budget_started_at"]


async def test_a_new_duration_does_not_bring_back_a_period_that_has_ended(admin: Admin) -> None:
    made = await admin.given_key(max_budget=10, budget_duration="1d")
    admin.sql(
        "update litellm_verificationtoken set spend = 7,"
        " budget_started_at = now() - interval '3 d',"
        " budget_reset_at = date_trunc('day', now() at time zone 'UTC') at time zone 'UTC'"
    )

    await admin.made("/key/update", key=made["key"], budget_duration="30d")

    (row,) = admin.sql("select * from litellm_verificationtoken")
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    assert (0, today) == (row["spend"], row["budget_started_at"])


async def test_a_deleted_key_is_archived_with_all_it_was(admin: Admin) -> None:
    made = await admin.given_key(key_alias="old", max_budget=3)
    (was,) = admin.sql("select * from litellm_verificationtoken")

    reply = await admin.made("/key/delete", keys=[made["key"]])

    (archived,) = admin.sql("select * from litellm_deletedverificationtoken")
    assert {"deleted_keys": [made["key"]]} == reply
    assert was == {name: archived[name] for name in was}
    assert "default_user_id" == archived["deleted_by"]


async def test_keys_are_deleted_by_hash_and_by_alias(admin: Admin) -> None:
    by_hash = await admin.given_key()
    await admin.given_key(key_alias="old")

    await admin.made("/key/delete", keys=[by_hash["token"]], key_aliases=["old"])

    assert 0 == admin.rows()["litellm_verificationtoken"]


async def test_one_unknown_key_keeps_all_of_them(admin: Admin) -> None:
    made = await admin.given_key()

    reply = await admin.post("/key/delete", {"keys": [made["key"], "sk-nobody-has-this-one"]})

    assert 404 == error_of(reply)[0]
    assert 1 == admin.rows()["litellm_verificationtoken"]


async def test_a_deletion_that_names_nothing_is_refused(admin: Admin) -> None:
    reply = await admin.post("/key/delete", {})

    assert (400, "invalid_request_error", "keys") == error_of(reply)


async def test_a_blocked_key_is_refused_until_it_is_unblocked(admin: Admin) -> None:
    key = (await admin.given_key())["key"]

    await admin.made("/key/block", key=key)
    blocked = await admin.get("/key/info", key=key)
    await admin.made("/key/unblock", key=key)
    unblocked = await admin.get("/key/info", key=key)

    assert (401, 200) == (blocked.status_code, unblocked.status_code)


@pytest.mark.parametrize("route", ["/key/update", "/key/block", "/key/unblock"])
async def test_a_change_of_an_unknown_key_is_404(admin: Admin, route: str) -> None:
    reply = await admin.post(route, {"key": "sk-nobody-has-this-one"})

    assert (404, "not_found_error", "key") == error_of(reply)


async def test_the_audit_log_says_who_changed_what(admin: Admin) -> None:
    made = await admin.given_key(max_budget=1)

    await admin.post("/key/update", {"key": made["key"], "max_budget": 2}, changed_by="eve@a.b")

    line = admin.sql("select * from litellm_auditlog where action = 'updated'")[0]
    assert ("eve@a.b", made["token"]) == (line["changed_by"], line["object_id"])
    assert (1, 2) == tuple(
        float(line[side]["max_budget"]) for side in ("before_value", "updated_values")
    )
