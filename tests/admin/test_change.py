"""A change is whole and in force at once, whatever fails around it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import psycopg
import pytest

from functions.admin.app import make_app
from functions.admin.state import State
from shared.settings import Settings
from tests.admin.asking import MASTER_KEY, error_of

if TYPE_CHECKING:
    from local.door.faults import Kind
    from tests.admin.asking import Admin

FAULTS: list[Kind] = [
    "refuse",
    "status_429",
    "status_500",
    "html_502",
    "drop_before",
    "drop_after",
]


async def test_a_change_stands_in_redis_with_its_version(admin: Admin) -> None:
    made = await admin.given_key(rpm_limit=5)

    entry = await admin.entry(f"key:{made['token']}")

    (row,) = admin.sql("select version from litellm_verificationtoken")
    assert (row["version"], 5) == (entry["version"], entry["rpm_limit"])


async def test_a_deletion_leaves_a_tombstone_in_redis(admin: Admin) -> None:
    made = await admin.given_key()

    await admin.made("/key/delete", keys=[made["key"]])

    assert (await admin.entry(f"key:{made['token']}"))["deleted"]
    assert 401 == (await admin.get("/key/info", key=made["key"])).status_code


async def test_a_new_owner_stands_in_redis_too(admin: Admin) -> None:
    await admin.given_key(user_id="a:b")

    assert "internal_user" == (await admin.entry("policy:user:a%3Ab"))["role"]


async def test_a_key_for_a_known_user_leaves_the_users_entry_alone(admin: Admin) -> None:
    await admin.given_key(user_id="u")
    before = await admin.entry("policy:user:u")

    await admin.given_key(user_id="u")

    assert before == await admin.entry("policy:user:u")


async def test_a_change_is_announced(admin: Admin) -> None:
    await admin.given_key()

    assert 1 == admin.door.calls.by_command["PUBLISH"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_change_is_made_while_redis_fails(admin: Admin, fault: Kind) -> None:
    key = (await admin.given_key())["key"]
    admin.door.faults.add(fault, times=None)

    reply = await admin.post("/key/block", {"key": key})

    assert 200 == reply.status_code
    assert [{"blocked": True}] == admin.sql("select blocked from litellm_verificationtoken")


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "status_500"])
async def test_a_change_whose_entry_was_not_written_is_in_force_at_once(
    admin: Admin, fault: Kind
) -> None:
    key = (await admin.given_key())["key"]
    await admin.made("/key/unblock", key=key)
    admin.door.faults.add("slow", times=1, command="EVALSHA")  # the fence goes through
    admin.door.faults.add(fault, times=2, command="EVALSHA")  # both tries of the entry do not

    await admin.made("/key/block", key=key)

    assert 401 == (await admin.get("/key/info", key=key)).status_code


async def test_without_postgres_a_change_is_503_and_can_be_tried_again(admin: Admin) -> None:
    settings = Settings(
        master_key=MASTER_KEY,
        database_url="postgresql://nobody@127.0.0.1:1/none",
        redis_url=admin.door.url,
        redis_token=admin.door.token,
        redis_try_seconds=10,
    )
    state = State.open(settings)
    transport = httpx.ASGITransport(make_app(state))
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    admin.door.calls.reset()

    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as http:
        replies = [
            await http.post("/key/generate", json={}, headers=headers),
            await http.post("/team/new", json={"team_id": "t"}, headers=headers),
            await http.get("/key/list", headers=headers),
        ]
    await state.desk.stores.close()

    assert [(503, "no_db_connection", None)] * 3 == [error_of(reply) for reply in replies]
    assert ["5"] * 3 == [reply.headers["retry-after"] for reply in replies]
    # The configuration's version was asked for; no fence was set, nothing written.
    assert {"GET"} == set(admin.door.calls.by_command)


@pytest.mark.parametrize(
    ("path", "body", "waits_for"),
    [
        (
            "/key/update",
            {"rpm_limit": 7, "spend": 3, "user_id": "new"},
            "litellm_verificationtoken",
        ),
        ("/key/block", {}, "litellm_verificationtoken"),
        ("/key/delete", {}, "litellm_auditlog"),
        ("/user/new", {"teams": ["t"]}, "litellm_teammembership"),
    ],
)
async def test_a_connection_that_dies_amid_a_change_leaves_nothing_half_done(
    admin: Admin, path: str, body: dict[str, object], waits_for: str
) -> None:
    await admin.given_team(team_id="t")
    made = await admin.given_key()
    before = admin.rows(), admin.sql("select * from litellm_verificationtoken")
    named = {} if path == "/user/new" else {"key": made["key"], "keys": [made["key"]]}

    with psycopg.connect(admin.dsn) as other:
        other.execute(f"lock table {waits_for} in share mode".encode())
        change = asyncio.create_task(admin.post(path, {**body, **named}))
        await asyncio.to_thread(_kill_who_waits, admin)
        reply = await change

    assert (503, "no_db_connection", None) == error_of(reply)
    assert "5" == reply.headers["retry-after"]
    assert before == (admin.rows(), admin.sql("select * from litellm_verificationtoken"))


async def test_a_key_whose_change_was_refused_still_works(admin: Admin) -> None:
    await admin.given_key(key_alias="taken")
    key = (await admin.given_key())["key"]

    refused = await admin.post("/key/update", {"key": key, "key_alias": "taken"})

    assert 400 == refused.status_code
    assert 200 == (await admin.get("/key/info", key=key)).status_code


def _kill_who_waits(admin: Admin) -> None:
    """End the session that waits for a lock, as soon as there is one."""
    with psycopg.connect(admin.dsn, autocommit=True) as session:
        while not session.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where wait_event_type = 'Lock' and datname = current_database()"
        ).fetchall():
            pass


async def test_a_refused_change_leaves_no_fence_behind(admin: Admin) -> None:
    made, other = await admin.given_key(), await admin.given_key(key_alias="taken")
    before = await admin.entry(f"key:{made['token']}")

    reply = await admin.post("/key/update", {"key": made["key"], "key_alias": "taken"})

    assert 400 == reply.status_code
    assert before == await admin.entry(f"key:{made['token']}")
    assert "version" in await admin.entry(f"key:{other['token']}")


async def test_a_refused_creation_leaves_no_fence_behind(admin: Admin) -> None:
    await admin.given_team(team_id="t")
    before = await admin.entry("policy:team:t")

    again = await admin.post("/team/new", {"team_id": "t"})
    user = await admin.post("/user/new", {"user_id": "u", "teams": ["nowhere"]})

    assert (400, 400) == (again.status_code, user.status_code)
    assert (before, None) == (
        await admin.entry("policy:team:t"),
        await admin.entry("policy:user:u"),
    )
