"""What the configuration gives new keys, users and teams, and the most that keys may have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json


async def given_settings(admin: Admin, **settings: Json) -> None:
    await admin.made("/config/update", litellm_settings=settings)


async def test_a_new_key_is_given_what_it_does_not_ask_for(admin: Admin) -> None:
    usual = {"max_budget": 1.5, "budget_duration": "30d", "models": ["m"], "tpm_limit": 5}
    await given_settings(admin, default_key_generate_params=usual)

    key = await admin.given_key(tpm_limit=7, models=[])

    assert {**usual, "tpm_limit": 7} == {name: key[name] for name in usual}


@pytest.mark.parametrize(
    ("bound", "asked"),
    [
        ({"max_budget": 10}, {"max_budget": 10.1}),
        ({"rpm_limit": 10}, {"rpm_limit": 11}),
        ({"max_parallel_requests": 10}, {"max_parallel_requests": 11}),
        ({"duration": "30d"}, {"duration": "5w"}),
        ({"duration": "30d"}, {"duration": "-1"}),
        ({"budget_duration": "1d"}, {"budget_duration": "1mo"}),
    ],
)
async def test_no_key_has_more_than_the_bounds(admin: Admin, bound: Json, asked: Json) -> None:
    await given_settings(admin, upperbound_key_generate_params=bound)
    key = (await admin.given_key())["key"]

    replies = [
        await admin.post("/key/generate", asked),
        await admin.post("/key/update", {"key": key, **asked}),
        await admin.post(f"/key/{key}/regenerate", asked),
    ]

    (name,) = asked
    assert 3 * [(400, "invalid_request_error", name)] == [error_of(reply) for reply in replies]


async def test_a_bound_is_what_a_key_gets_that_names_no_limit(admin: Admin) -> None:
    await given_settings(admin, upperbound_key_generate_params={"max_budget": 10, "rpm_limit": 5})
    user = await admin.given_user()

    key = (await admin.post("/key/generate", {"rpm_limit": 4}, key=user["key"])).json()
    lifted = await admin.made("/key/update", key=key["key"], rpm_limit=None)

    assert (10, 4) == (key["max_budget"], key["rpm_limit"])
    assert (10, 5) == (lifted["max_budget"], lifted["rpm_limit"])


async def test_a_new_user_is_given_what_users_have(admin: Admin) -> None:
    usual = {"max_budget": 5, "models": ["m"], "user_role": "internal_user_viewer"}
    await given_settings(
        admin,
        default_internal_user_params=usual,
        max_internal_user_budget=2,
        internal_user_budget_duration="7d",
    )

    plain = await admin.made("/user/new")
    internal = await admin.given_user("internal_user", models=["n"])
    admins = await admin.given_user("proxy_admin")

    assert usual == {name: plain[name] for name in usual}
    assert (5, "7d", ["n"]) == tuple(
        internal[name] for name in ("max_budget", "budget_duration", "models")
    )
    assert (None, []) == (admins["max_budget"], admins["models"])


async def test_a_new_team_is_given_what_teams_have(admin: Admin) -> None:
    usual = {"max_budget": 9, "rpm_limit": 5, "team_member_permissions": ["/key/info"]}
    await given_settings(admin, default_team_params=usual)

    team = await admin.given_team(rpm_limit=6)

    assert {**usual, "rpm_limit": 6} == {name: team[name] for name in usual}
