"""Of callers who want the same thing at once one gets it; the others get a clean refusal."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.admin.asking import error_of

if TYPE_CHECKING:
    from tests.admin.asking import Admin, Json

AT_ONCE = 8


async def statuses(admin: Admin, path: str, *bodies: Json) -> Counter[int]:
    replies = await asyncio.gather(*(admin.post(path, body) for body in bodies))
    return Counter(200 if reply.status_code == 200 else error_of(reply)[0] for reply in replies)


@pytest.mark.parametrize(
    ("path", "body", "refusal"),
    [
        ("/key/generate", {"key_alias": "mine"}, 400),
        ("/key/generate", {"key": "sk-a-custom-key-of-mine"}, 400),
        ("/user/new", {"user_id": "u"}, 409),
        ("/user/new", {"user_email": "a@b.c"}, 409),
        ("/team/new", {"team_id": "t"}, 400),
    ],
)
async def test_one_maker_wins(admin: Admin, path: str, body: Json, refusal: int) -> None:
    assert Counter({200: 1, refusal: AT_ONCE - 1}) == await statuses(admin, path, *[body] * AT_ONCE)


async def test_many_keys_of_a_new_user_make_one_user(admin: Admin) -> None:
    got = await statuses(admin, "/key/generate", *[{"user_id": "u"}] * AT_ONCE)

    assert Counter({200: AT_ONCE}) == got
    assert 1 == admin.rows()["litellm_usertable"]


async def test_one_deleter_wins(admin: Admin) -> None:
    key = (await admin.given_key())["key"]

    got = await statuses(admin, "/key/delete", *[{"keys": [key]}] * AT_ONCE)

    assert Counter({200: 1, 404: AT_ONCE - 1}) == got
    assert 1 == admin.rows()["litellm_deletedverificationtoken"]


async def test_changes_of_different_fields_all_last(admin: Admin) -> None:
    key = (await admin.given_key())["key"]
    fields = {"rpm_limit": 1, "tpm_limit": 2, "max_budget": 3, "models": ["m"], "key_alias": "a"}

    await statuses(admin, "/key/update", *[{"key": key, n: v} for n, v in fields.items()])

    info = await admin.info(key)
    assert fields == {name: info[name] for name in fields}


async def test_users_join_teams_from_both_sides_at_once(admin: Admin) -> None:
    teams = [f"t{n}" for n in range(AT_ONCE)]
    for team in teams:
        await admin.given_team(team_id=team)
    bodies = [{"user_id": f"u{n}", "teams": teams[:: (-1) ** n]} for n in range(AT_ONCE)]

    got = await statuses(admin, "/user/new", *bodies)

    assert Counter({200: AT_ONCE}) == got
    assert AT_ONCE**2 == admin.rows()["litellm_teammembership"]


async def test_the_entry_in_redis_is_the_last_change(admin: Admin) -> None:
    made = await admin.given_key()

    await statuses(
        admin, "/key/update", *[{"key": made["key"], "rpm_limit": n} for n in range(AT_ONCE)]
    )

    (row,) = admin.sql("select version, rpm_limit from litellm_verificationtoken")
    entry = await admin.entry(f"key:{made['token']}")
    assert (row["version"], row["rpm_limit"]) == (entry["version"], entry.get("rpm_limit", 0))
