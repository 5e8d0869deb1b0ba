"""Another secret for a key: the former one ends or lives on for a while, the key keeps its all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from shared.domain import Scope
from shared.storage.plans import Bearer
from shared.storage.spend_rows import book
from tests.admin.asking import error_of, own
from tests.admin.test_reports import spend_row

if TYPE_CHECKING:
    from tests.admin.asking import Admin


async def test_another_secret_ends_the_old_one_at_once(lasting: Admin) -> None:
    made = await lasting.given_key(key_alias=own("rotated"), max_budget=5)

    new = await lasting.made("/key/regenerate", key=made["key"])

    old = await lasting.get("/key/info", key=made["key"])
    current = await lasting.get("/key/info", key=new["key"])
    assert (401, 200) == (old.status_code, current.status_code)
    assert (made["key_alias"], 5) == (new["key_alias"], new["max_budget"])
    assert new["key"] != made["key"]


@pytest.mark.parametrize("named", ["key", "token"])
async def test_the_path_may_name_the_key_and_the_body_its_secret(
    lasting: Admin, named: str
) -> None:
    made, secret = await lasting.given_key(), own("sk-of-my-own")

    new = await lasting.made(f"/key/{made[named]}/regenerate", new_key=secret, rpm_limit=7)

    assert (secret, 7) == (new["key"], (await lasting.info(secret))["rpm_limit"])


async def test_the_old_secret_is_good_until_its_grace_period_ends(lasting: Admin) -> None:
    made = await lasting.given_key()

    new = await lasting.made("/key/regenerate", key=made["key"], grace_period="1h")

    within = await lasting.get("/key/info", key=made["key"])
    lasting.sql("update litellm_deprecatedverificationtoken set revoke_at = now() - interval '1 s'")
    after = await lasting.get("/key/info", key=made["key"])
    assert (200, new["token"]) == (within.status_code, within.json()["key"])
    assert 401 == error_of(after)[0]


async def test_a_second_secret_without_grace_ends_all_former_ones(lasting: Admin) -> None:
    first = await lasting.given_key()
    second = await lasting.made("/key/regenerate", key=first["key"], grace_period="1h")
    third = await lasting.made("/key/regenerate", key=second["key"])

    replies = [await lasting.get("/key/info", key=k["key"]) for k in (first, second, third)]

    assert [401, 401, 200] == [reply.status_code for reply in replies]


async def test_secrets_in_a_row_all_stand_for_the_key_in_their_grace_periods(
    lasting: Admin,
) -> None:
    first = await lasting.given_key()
    second = await lasting.made("/key/regenerate", key=first["key"], grace_period="1h")
    third = await lasting.made("/key/regenerate", key=second["key"], grace_period="1h")

    replies = [await lasting.get("/key/info", key=k["key"]) for k in (first, second, third)]

    assert [third["token"]] * 3 == [reply.json()["key"] for reply in replies]


async def test_a_deleted_key_takes_its_former_secrets_along(lasting: Admin) -> None:
    made = await lasting.given_key()
    new = await lasting.made("/key/regenerate", key=made["key"], grace_period="1h")
    await lasting.made("/key/delete", keys=[new["key"]])

    reply = await lasting.get("/key/info", key=made["key"])

    assert 401 == error_of(reply)[0]


async def test_a_secret_that_another_key_has_is_refused(lasting: Admin) -> None:
    made, other = await lasting.given_key(), await lasting.given_key()

    reply = await lasting.post("/key/regenerate", {"key": made["key"], "new_key": other["key"]})

    assert (400, "invalid_request_error", "new_key") == error_of(reply)


async def test_a_user_renews_their_own_secret_and_widens_nothing(lasting: Admin) -> None:
    user = await lasting.given_user()

    wider = await lasting.post("/key/regenerate", {"max_budget": 9}, key=user["key"])
    renewed = await lasting.post("/key/regenerate", {}, key=user["key"])

    assert (403, 200) == (wider.status_code, renewed.status_code)
    assert user["user_id"] == renewed.json()["user_id"]


async def test_of_many_that_renew_a_secret_at_once_one_wins(lasting: Admin) -> None:
    made = await lasting.given_key()
    body = {"key": made["token"]}

    replies = await asyncio.gather(*(lasting.post("/key/regenerate", body) for _ in range(5)))

    assert [200, 404, 404, 404, 404] == sorted(reply.status_code for reply in replies)


async def test_what_a_key_has_spent_and_holds_stays_with_it(lasting: Admin) -> None:
    made = await lasting.given_key(max_budget=5)
    counter = f"budget:key:{made['token']}:-"
    (row,) = lasting.sql(
        "select (extract(epoch from budget_started_at) * 1000)::bigint as since"
        " from litellm_verificationtoken where token = %s",
        made["token"],
    )
    redis = lasting.state.desk.stores.redis
    values = ["since", row["since"], "spent", 1_500_000_000, "reserved", 250_000_000, "at", 0]
    await redis.execute(["HSET", counter, *values])

    new = await lasting.made("/key/regenerate", key=made["key"])

    assert 1.75 == new["spend"]


async def test_what_a_key_spent_by_span_and_by_model_counts_on_under_another_secret(
    admin: Admin,
) -> None:
    made = await admin.given_key(
        budget_limits=[{"max_budget": 5, "budget_duration": "1h"}],
        model_max_budget={
            name: {"budget_limit": 5, "time_period": "1d"} for name in ("gpt", "other")
        },
    )
    redis, db = admin.state.desk.stores.redis, admin.state.desk.stores.postgres
    since = 1_790_000_000_000
    for window in ("1h", "1d/gpt", "1d/other"):
        values = ["since", since, "spent", 10**9, "reserved", 5 * 10**8, "mark", "m"]
        counter = Bearer(Scope.KEY, made["token"], window).budget_key
        await redis.execute(["HSET", counter, *values])

    new = await admin.made("/key/regenerate", key=made["key"])

    names = [str(n) for n in await redis.execute(["KEYS", f"budget:key:{new['token']}:*"])]  # type: ignore[union-attr]
    carried = {name: await redis.execute(["HMGET", name, "spent", "reserved"]) for name in names}
    assert [["1500000000", "0"]] * 3 == list(carried.values())
    # And what is still on its way to Postgres under the former secret is the new one's.
    windows = [["key", made["token"], "1h", since]]
    late = spend_row(1, spend=10**9, api_key=made["token"], since={"windows": windows})
    await book(db, [late])
    (row,) = admin.sql("select entity_id, spend from budget_window where name = '1h'")
    assert {"entity_id": new["token"], "spend": 1} == row
