"""Keys beyond making and changing one: accounts of services, lists, many at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of, own

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json

FIELDS: Json = {
    "models": ["gpt-4o", "openai/*"],
    "max_budget": 12.5,
    "soft_budget": 10,
    "budget_limits": [{"max_budget": 1.5, "budget_duration": "1d"}],
    "model_max_budget": {"gpt-4o": {"budget_limit": 5, "time_period": "1d"}, "m": 100},
    "aliases": {"small": "gpt-4o-mini"},
    "config": {"a": 1},
    "permissions": {"allow_model_list": False},
    "allowed_routes": ["/v1/chat/completions", "info_routes"],
    "allowed_cache_controls": ["no-store"],
    "router_settings": {"num_retries": 1},
    "auto_rotate": True,
    "rotation_interval": "30d",
    "rph_limit": 1,
    "tph_limit": 2,
    "rpd_limit": 3,
    "tpd_limit": 4,
}
IN_METADATA: Json = {
    "tags": ["a"],
    "model_rpm_limit": {"gpt-4o": 5},
    "model_tpm_limit": {"gpt-4o": 500},
    "tag_rpm_limit": {"a": 3},
    "enforced_params": ["user"],
}


async def test_a_key_has_every_field_it_was_given(lasting: Admin) -> None:
    made = await lasting.given_key(**FIELDS, **IN_METADATA)

    info = await lasting.info(made["key"])

    assert FIELDS == {name: info[name] for name in FIELDS}
    assert IN_METADATA == info["metadata"]
    assert IN_METADATA["model_rpm_limit"] == made["model_rpm_limit"]


@pytest.mark.parametrize(
    "fields",
    [
        {"allowed_routes": ["admin"]},
        {"allowed_routes": [""]},
        {"key_type": "root"},
        {"budget_limits": [{"max_budget": 1}]},
        {"budget_limits": [{"max_budget": 1, "budget_duration": "soon"}]},
        {"model_max_budget": {"m": {"budget_limit": -1}}},
        {"model_max_budget": {"m": {"anything": 1}}},
        {"model_max_budget": {"m": {"budget_limit": 1, "time_period": "soon"}}},
        {"model_max_budget": {"m": "much"}},
        {"model_rpm_limit": {"m": -1}},
        {"model_rpm_limit": {"m": 1.5}},
        {"rotation_interval": "soon"},
        {"budget_id": "nobody's"},
    ],
)
async def test_a_field_that_means_nothing_is_refused_by_name(lasting: Admin, fields: Json) -> None:
    reply = await lasting.post("/key/generate", fields)

    assert 400 == error_of(reply)[0]


async def test_a_key_shows_the_budget_it_is_linked_to(lasting: Admin) -> None:
    budget = await lasting.made("/budget/new", max_budget=3)

    made = await lasting.given_key(budget_id=budget["budget_id"])

    info = await lasting.info(made["key"])
    assert 3 == made["litellm_budget_table"]["max_budget"]
    assert 3 == info["litellm_budget_table"]["max_budget"]


async def test_a_service_account_has_a_team_and_no_user(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]

    made = await lasting.made("/key/service-account/generate", team_id=team, key_alias=own("ci"))

    assert (team, None) == (made["team_id"], made["user_id"])
    assert made["key_alias"] == made["metadata"]["service_account_id"]


@pytest.mark.parametrize("body", [{}, {"team_id": "nobody's"}, {"team_id": "t", "user_id": "u"}])
async def test_a_service_account_without_a_team_is_refused(lasting: Admin, body: Json) -> None:
    reply = await lasting.post("/key/service-account/generate", body)

    assert error_of(reply)[0] in (400, 404)


async def test_many_keys_are_changed_each_for_itself(lasting: Admin) -> None:
    first, second = await lasting.given_key(), await lasting.given_key()
    keys = [
        {"key": first["key"], "max_budget": 1},
        {"key": "sk-nobody-has-this-one"},
        {"key": second["token"], "max_budget": 2},
    ]

    reply = await lasting.made("/key/bulk_update", keys=keys)

    assert 3 == reply["total_requested"]
    assert [1, 2] == [one["key_info"]["max_budget"] for one in reply["successful_updates"]]
    assert ["Key not found in database"] == [
        one["failed_reason"] for one in reply["failed_updates"]
    ]


async def test_keys_of_a_team_are_changed_only_where_they_are_of_that_team(
    lasting: Admin,
) -> None:
    team = (await lasting.given_team())["team_id"]
    ours, other = await lasting.given_key(team_id=team), await lasting.given_key()
    keys = [{"key": ours["key"], "rpm_limit": 5}, {"key": other["key"], "rpm_limit": 5}]

    reply = await lasting.made("/team/key/bulk_update", team_id=team, keys=keys)

    assert [ours["token"]] == [one["key"] for one in reply["successful_updates"]]
    assert [other["token"]] == [one["key"] for one in reply["failed_updates"]]


async def test_keys_are_told_about_many_at_once(lasting: Admin) -> None:
    made = [await lasting.given_key() for _ in range(2)]
    names = [made[0]["key"], made[1]["token"], "sk-nobody-has-this-one"]

    reply = await lasting.made("/v2/key/info", keys=names)

    assert names == reply["key"]
    assert {key["token"] for key in made} == {info["token"] for info in reply["info"]}


async def test_a_user_is_told_about_their_own_of_many_keys(lasting: Admin) -> None:
    user, other = await lasting.given_user(), await lasting.given_key()

    reply = await lasting.post(
        "/v2/key/info", {"keys": [user["token"], other["token"]]}, key=user["key"]
    )

    assert [user["token"]] == [info["token"] for info in reply.json()["info"]]


@pytest.mark.parametrize("word", ["search", "key_alias"])
async def test_keys_are_found_by_their_alias(lasting: Admin, word: str) -> None:
    alias = own("Find me %_")
    made = await lasting.given_key(key_alias=alias)

    reply = await lasting.get("/key/list", {word: alias})

    assert [made["token"]] == reply.json()["keys"]


async def test_keys_are_listed_in_the_order_that_is_asked_for(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]
    for budget in (2, 3, 1):
        await lasting.given_key(team_id=team, max_budget=budget)
    query = {"team_id": team, "return_full_object": "true", "size": "2", "sort_by": "max_budget"}

    pages = [
        (await lasting.get("/key/list", query | {"page": page, "sort_order": "asc"})).json()
        for page in ("1", "2")
    ]

    assert [1, 2, 3] == [key["max_budget"] for page in pages for key in page["keys"]]
    assert (3, 2) == (pages[0]["total_count"], pages[0]["total_pages"])


async def test_a_listed_key_may_come_with_its_owner(lasting: Admin) -> None:
    user = await lasting.given_user(user_email=f"{own()}@b.c")

    reply = await lasting.get("/key/list", {"user_id": user["user_id"], "expand": "user"})

    assert [user["user_email"]] == [key["user"]["user_email"] for key in reply.json()["keys"]]


async def test_deleted_keys_are_listed_when_asked_for(lasting: Admin) -> None:
    alias = own("gone")
    made = await lasting.given_key(key_alias=alias)
    await lasting.made("/key/delete", key_aliases=[alias])

    there = await lasting.get("/key/list", {"key_alias": alias})
    gone = await lasting.get("/key/list", {"key_alias": alias, "status": "deleted"})

    assert ([], [made["token"]]) == (there.json()["keys"], gone.json()["keys"])


async def test_aliases_are_listed(lasting: Admin) -> None:
    word = own("word")
    for n in (2, 1):
        await lasting.given_key(key_alias=f"{word}-{n}")

    reply = await lasting.get("/key/aliases", {"search": word})

    assert [f"{word}-1", f"{word}-2"] == reply.json()["aliases"]
    assert 2 == reply.json()["total_count"]


async def test_a_teams_admin_lists_the_keys_of_the_team(lasting: Admin) -> None:
    user = await lasting.given_user()
    members = [{"role": "admin", "user_id": user["user_id"]}]
    team = (await lasting.given_team(members_with_roles=members))["team_id"]
    made = await lasting.given_key(team_id=team)

    of_team = await lasting.get("/key/list", {"team_id": team}, key=user["key"])
    own_only = await lasting.get("/key/list", key=user["key"])
    both = await lasting.get("/key/list", {"include_team_keys": "true"}, key=user["key"])

    assert [made["token"]] == of_team.json()["keys"]
    assert [user["token"]] == own_only.json()["keys"]
    assert {made["token"], user["token"]} == set(both.json()["keys"])


async def test_spend_is_set_anew(lasting: Admin) -> None:
    made = await lasting.given_key(spend=4, max_budget=5)

    reply = await lasting.made(f"/key/{made['token']}/reset_spend", reset_to=1)

    assert 1 == reply["spend"]


async def test_a_temporary_increase_is_kept_with_its_end(lasting: Admin) -> None:
    made, until = await lasting.given_key(max_budget=5), datetime.now(UTC) + timedelta(days=1)

    await lasting.made(
        "/key/update",
        key=made["key"],
        temp_budget_increase=2.5,
        temp_budget_expiry=until.isoformat(),
    )

    metadata = (await lasting.info(made["key"]))["metadata"]
    assert 2.5 == metadata["temp_budget_increase"]
    assert until == datetime.fromisoformat(metadata["temp_budget_expiry"])


async def test_a_user_cannot_raise_their_key_by_its_metadata(lasting: Admin) -> None:
    user = await lasting.given_user()
    body = {"key": user["key"], "metadata": {"temp_budget_increase": 1_000}}

    reply = await lasting.post("/key/update", body, key=user["key"])

    assert (403, "permission_denied", "metadata") == error_of(reply)


async def test_a_user_keeps_a_limit_that_lies_in_the_metadata(lasting: Admin) -> None:
    user = await lasting.given_user()
    limits = {"gpt-4o": 5}
    await lasting.made("/key/update", key=user["key"], model_rpm_limit=limits)

    await lasting.post("/key/update", {"key": user["key"], "metadata": {"a": 1}}, key=user["key"])

    metadata = (await lasting.info(user["key"]))["metadata"]
    assert {"a": 1, "model_rpm_limit": limits} == metadata


async def test_keys_of_a_team_are_given_the_same_at_once(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]
    ours, other = await lasting.given_key(team_id=team), await lasting.given_key()

    reply = await lasting.made(
        "/team/key/bulk_update",
        team_id=team,
        key_ids=[ours["key"], ours["token"], other["token"]],
        update_fields={"max_budget": 7, "tags": ["a"]},
    )

    assert (2, [other["token"]]) == (
        reply["total_requested"],
        [one["key"] for one in reply["failed_updates"]],
    )
    assert [(7, ["a"])] == [
        (one["key_info"]["max_budget"], one["key_info"]["metadata"]["tags"])
        for one in reply["successful_updates"]
    ]


async def test_all_keys_of_a_team_are_changed_but_those_that_are_blocked(lasting: Admin) -> None:
    team = (await lasting.given_team())["team_id"]
    good, bad = [
        await lasting.given_key(team_id=team, blocked=blocked) for blocked in (False, True)
    ]

    reply = await lasting.made(
        "/team/key/bulk_update",
        team_id=team,
        all_keys_in_team=True,
        update_fields={"rpm_limit": 5},
    )

    assert [good["token"]] == [one["key"] for one in reply["successful_updates"]]
    assert None is (await lasting.info(bad["key"]))["rpm_limit"]


@pytest.mark.parametrize(
    "asked",
    [
        {"all_keys_in_team": True},
        {"all_keys_in_team": True, "update_fields": {}},
        {"all_keys_in_team": True, "key_ids": ["sk-any"], "update_fields": {"rpm_limit": 5}},
        {"update_fields": {"rpm_limit": 5}},
        {"key_ids": [], "update_fields": {"rpm_limit": 5}},
        {"all_keys_in_team": True, "update_fields": {"spend": 0}},
        {"all_keys_in_team": True, "update_fields": {"models": ["m"]}},
    ],
)
async def test_keys_of_a_team_are_not_changed_by_half_a_question(
    lasting: Admin, asked: Json
) -> None:
    team = (await lasting.given_team())["team_id"]
    await lasting.given_key(team_id=team)

    reply = await lasting.post("/team/key/bulk_update", {"team_id": team, **asked})

    assert 400 == error_of(reply)[0]


async def test_a_strangers_team_has_no_keys_to_change(lasting: Admin) -> None:
    team, user = (await lasting.given_team())["team_id"], await lasting.given_user()
    own_team = await lasting.given_team(
        members_with_roles=[{"role": "admin", "user_id": user["user_id"]}]
    )
    await lasting.given_key(team_id=team)
    body = {"team_id": team, "all_keys_in_team": True, "update_fields": {"rpm_limit": 5}}

    replies = [
        await lasting.post("/team/key/bulk_update", body | {"team_id": name}, key=user["key"])
        for name in (team, own_team["team_id"])
    ]

    assert [403, 404] == [reply.status_code for reply in replies]


async def test_the_query_names_the_key_that_gets_another_secret(lasting: Admin) -> None:
    user = await lasting.given_user()
    old = await lasting.given_key(user_id=user["user_id"])

    reply = await lasting.post(f"/key/regenerate?key={old['key']}", {}, key=user["key"])

    assert 200 == reply.status_code
    assert 404 == (await lasting.get("/key/info", {"key": old["key"]})).status_code
    assert 200 == (await lasting.get("/key/info", key=user["key"])).status_code
