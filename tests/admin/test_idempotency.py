"""Who repeats an Idempotency-Key gets the first answer again, and nothing is made twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.admin import keys, once
from tests.admin.asking import MASTER_KEY, error_of, own

if TYPE_CHECKING:
    import httpx

    from tests.admin.asking import Admin, Json


async def ask(
    admin: Admin, path: str, body: Json, name: str, *, key: str | None = None
) -> httpx.Response:
    headers = {"authorization": f"Bearer {key or MASTER_KEY}", "idempotency-key": name}
    return await admin.http.post(path, json=body, headers=headers)


@pytest.mark.parametrize("path", ["/key/generate", "/user/new", "/key/service-account/generate"])
async def test_a_repeated_request_is_answered_as_the_first_time(lasting: Admin, path: str) -> None:
    team, name = (await lasting.given_team())["team_id"], own()
    body = {} if path == "/user/new" else {"team_id": team}

    first, second = [await ask(lasting, path, body, name) for _ in range(2)]

    assert first.json() == second.json()
    assert (None, "true") == tuple(r.headers.get("idempotent-replayed") for r in (first, second))
    assert 200 == (await lasting.get("/key/info", {"key": second.json().get("key")})).status_code


async def test_a_new_secret_is_made_once(lasting: Admin) -> None:
    made, name = await lasting.given_key(), own()

    first, second = [
        await ask(lasting, f"/key/{made['key']}/regenerate", {}, name) for _ in range(2)
    ]

    assert first.json()["key"] == second.json()["key"]


async def test_another_request_under_the_same_name_is_refused(lasting: Admin) -> None:
    name = own()
    await ask(lasting, "/key/generate", {"max_budget": 1}, name)

    reply = await ask(lasting, "/key/generate", {"max_budget": 2}, name)

    assert (422, "idempotency_key_reused", "Idempotency-Key") == error_of(reply)


async def test_callers_have_names_of_their_own(lasting: Admin) -> None:
    user, name = await lasting.given_user(), own()
    first = await ask(lasting, "/key/generate", {}, name)

    second = await ask(lasting, "/key/generate", {}, name, key=user["key"])

    assert 200 == second.status_code
    assert first.json()["key"] != second.json()["key"]


async def test_of_many_at_once_one_is_made(lasting: Admin) -> None:
    alias, name = own(), own()
    body = {"key_alias": alias}

    replies = await asyncio.gather(*(ask(lasting, "/key/generate", body, name) for _ in range(6)))

    assert {200, 409} >= {reply.status_code for reply in replies}
    assert 1 == len({reply.json()["key"] for reply in replies if reply.status_code == 200})


async def test_what_was_refused_may_be_tried_again_under_the_same_name(lasting: Admin) -> None:
    name, team = own(), own("team")
    refused = await ask(lasting, "/key/generate", {"team_id": team}, name)
    await lasting.given_team(team_id=team)

    made = await ask(lasting, "/key/generate", {"team_id": team}, name)

    assert (400, 200) == (refused.status_code, made.status_code)


async def test_redis_holds_neither_the_secret_nor_the_name(lasting: Admin) -> None:
    name = own("name")
    made = (await ask(lasting, "/key/generate", {}, name)).json()

    redis = lasting.state.desk.stores.redis
    names = await redis.execute(["KEYS", "idempotency:*"])
    kept = [await redis.execute(["GET", str(one)]) for one in names]  # type: ignore[union-attr]
    assert kept
    assert [] == [word for word in (made["key"], name) if word in str(names) + str(kept)]
    lives = [await redis.execute(["TTL", str(one)]) for one in names]  # type: ignore[union-attr]
    assert all(0 < int(str(life)) <= 24 * 3600 for life in lives)


async def test_without_redis_nothing_is_made_under_a_name(admin: Admin) -> None:
    await admin.info((await admin.given_key())["key"])
    admin.door.faults.add("refuse", times=None)

    reply = await ask(admin, "/key/generate", {"key_alias": "n"}, own())

    assert 503 == reply.status_code
    assert [] == admin.sql("select 1 from litellm_verificationtoken where key_alias = 'n'")


@pytest.mark.parametrize("name", ["", "x" * 300])
async def test_a_name_that_is_none_is_refused(lasting: Admin, name: str) -> None:
    reply = await ask(lasting, "/key/generate", {}, name)

    assert (400, "invalid_request_error", "Idempotency-Key") == error_of(reply)


async def given_a_crash(admin: Admin, path: str, body: Json, name: str) -> Json:
    """Make something, and die before the answer is kept; return what nobody was told."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(once, "keep", dying)
        with pytest.raises(asyncio.CancelledError):
            await ask(admin, path, body, name)
    (made,) = admin.sql(
        "select token, user_id from litellm_verificationtoken where key_alias = %s",
        body["key_alias"],
    )
    return made


async def dying(*_: object) -> None:
    raise asyncio.CancelledError


async def time_passes(admin: Admin) -> None:
    """Let the time to work on every pending answer be over."""
    redis = admin.state.desk.stores.redis
    names = await redis.execute(["KEYS", "idempotency:*"])
    for one in [str(each) for each in names]:  # type: ignore[union-attr]
        standing = str(await redis.execute(["GET", one]))
        if standing.startswith("pending:"):
            await redis.execute(["SET", one, standing.rpartition(":")[0] + ":0", "EX", 60])


@pytest.mark.parametrize("path", ["/key/generate", "/user/new", "/key/service-account/generate"])
async def test_who_asks_again_after_a_crash_gets_what_was_made(admin: Admin, path: str) -> None:
    team, name = (await admin.given_team())["team_id"], own()
    body = {"key_alias": own()} | ({} if path == "/user/new" else {"team_id": team})
    made = await given_a_crash(admin, path, body, name)
    early = await ask(admin, path, body, name)
    await time_passes(admin)

    reply = await ask(admin, path, body, name)
    again = await ask(admin, path, body, name)

    assert (409, 200) == (early.status_code, reply.status_code)
    assert (made["token"], made["user_id"]) == (reply.json()["token"], reply.json()["user_id"])
    assert 200 == (await admin.get("/key/info", key=reply.json()["key"])).status_code
    assert reply.json() == again.json()


async def test_a_secret_that_was_renewed_before_a_crash_is_told_afterwards(admin: Admin) -> None:
    key, name = await admin.given_key(), own()
    body = {"key_alias": own()}
    made = await given_a_crash(admin, f"/key/{key['token']}/regenerate", body, name)
    await time_passes(admin)

    reply = await ask(admin, f"/key/{key['token']}/regenerate", body, name)

    assert (200, made["token"]) == (reply.status_code, reply.json()["token"])


async def test_what_a_crash_prevented_is_done_by_the_next(admin: Admin) -> None:
    body, name = {"key_alias": own()}, own()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "insert_key", dying)
        with pytest.raises(asyncio.CancelledError):
            await ask(admin, "/key/generate", body, name)

    reply = await ask(admin, "/key/generate", body, name)

    assert (200, body["key_alias"]) == (reply.status_code, reply.json()["key_alias"])
