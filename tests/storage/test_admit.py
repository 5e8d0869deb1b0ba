"""Admit takes everything a plan asks for, or changes nothing and says what stands against it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain import Nanodollars
from shared.storage.admission import (
    MOST_IN_A_COUNTER,
    Admitted,
    Held,
    NoBudget,
    Stale,
    admit,
    settle,
)
from shared.storage.holds import due
from shared.storage.key_names import encode_id
from shared.storage.plans import HOLD_LIFE_MS
from shared.storage.redis import RedisRefused
from tests.storage.given import (
    COUNTER,
    DOLLAR,
    FOREVER,
    LOST_ROW,
    NOW_US,
    SINCE,
    TimedRedis,
    budget,
    candidate,
    counter,
    everything,
    given_counter,
    given_hold,
    given_overdue,
    hash_of,
    lease,
    ledger,
    plan,
    policy,
    rate,
    settlement,
)
from tests.storage.room import (
    FULL,
    NOW_MS,
    ROOM,
    TEAM_COUNTER,
    cooling,
    entry,
    fence,
    given,
    leased,
    spent,
)

if TYPE_CHECKING:
    from shared.storage.plans import Plan
    from shared.storage.redis import Redis

DAY_MS = 86_400_000
AWKWARD_IDS = ["a:b", "a\nb", "{a}", "100%", "%3A", "a b", "é✓", "\x00", "'\"\\", "-", "'--"]


async def test_what_has_room_is_taken_all_at_once(timed: TimedRedis) -> None:
    await given(timed, *ROOM)

    reply = await admit(timed, FULL)

    assert Admitted(NOW_US, 0, (Nanodollars(10), Nanodollars(0)), ((4, 400), (10, 100))) == reply
    left = await everything(timed)
    assert {
        "key:k1": '{"version":7,"blocked":true}',
        COUNTER: {"since": str(SINCE), "spent": "10", "reserved": "10", "mark": "given"},
        TEAM_COUNTER: {"since": str(SINCE), "spent": "0", "reserved": "5", "mark": "given"},
        "ratelimit:key:k1:now": {"requests": "4", "tokens": "400", "r20": "1", "t20": "100"},
        "ratelimit:team:t1:now": {"requests": "10", "tokens": "100", "r20": "1", "t20": "100"},
        "parallel:key:k1": {"another": str(FOREVER), "full": str(NOW_MS + HOLD_LIFE_MS)},
        "parallel:team:t1": {"full": str(NOW_MS + HOLD_LIFE_MS)},
        "cooldown:d1": str(NOW_MS - 1),
        "parallel:deployment:d1": {"full": str(NOW_MS + HOLD_LIFE_MS)},
        "active_requests:d1": "1",
        "holds:0": {"full": str(NOW_MS + HOLD_LIFE_MS)},
        "hold:full": {
            "state": "held",
            "place": "",
            "at": str(NOW_US),
            "choice": "1",
            "amount": "5",
            "tokens": "100",
            "sixtieths": "total  20\ntotal  20",
            "prompt": "11",
            "completion": "22",
            "row": LOST_ROW,
            "budgets": f"{COUNTER}\n{SINCE}\n1\n{TEAM_COUNTER}\n{SINCE}\n1",
            "windows": "ratelimit:key:k1:now\nratelimit:team:t1:now",
            "leases": "parallel:key:k1\nparallel:team:t1",
            "marks": "given\ngiven",
        },
    } == {key: each.value for key, each in left.items()}


async def test_windows_and_leases_expire_but_budgets_and_holds_do_not(timed: TimedRedis) -> None:
    await given(timed, *ROOM)

    await admit(timed, FULL)

    left = await everything(timed)
    life = {key: each.expires_in for key, each in left.items()}
    assert {COUNTER, TEAM_COUNTER, "holds:0", "hold:full"} == {
        key for key, each in life.items() if each is None
    }
    assert (DAY_MS - 5000) < (life["key:k1"] or 0) <= DAY_MS
    for key in ("ratelimit:key:k1:now", "ratelimit:team:t1:now"):
        assert 115_000 < (life[key] or 0) <= 120_000
    for key in ("parallel:key:k1", "parallel:team:t1"):
        assert HOLD_LIFE_MS - 5000 < (life[key] or 0) <= HOLD_LIFE_MS


async def test_the_same_admit_twice_takes_once(timed: TimedRedis) -> None:
    await given(timed, *ROOM)
    first = await admit(timed, FULL)
    after_one = await everything(timed)
    await timed.set_time((NOW_MS + 50) * 1000)

    second = await admit(timed, FULL)

    assert isinstance(first, Admitted)
    assert Admitted(first.at_us, first.choice) == second
    assert after_one == await everything(timed)


@pytest.mark.parametrize("mode", ["settle", "lost"])
async def test_an_admit_after_its_end_changes_nothing(timed: TimedRedis, mode: str) -> None:
    await given(timed, *ROOM)
    held = await given_hold(timed, FULL)
    await given_overdue(timed, held)
    await settle(timed, held, settlement(3), mode="settle" if mode == "settle" else "lost")
    before = await everything(timed)

    reply = await admit(timed, FULL)

    assert isinstance(reply, Admitted)
    assert before == await everything(timed)


async def test_an_admit_that_arrives_after_its_own_settle_takes_nothing(redis: Redis) -> None:
    await given_counter(redis)
    late = plan(budgets=[budget()], reservation=10)
    await settle(redis, Held.by(late), settlement(0))
    before = await everything(redis)

    with pytest.raises(RedisRefused, match="ENDED"):
        await admit(redis, late)

    assert before == await everything(redis)


async def test_newer_entries_come_along_and_others_do_not(redis: Redis) -> None:
    await given(redis, entry(8))
    await redis.execute(["SET", "key:k2", '{"version":5}'])

    reply = await admit(redis, plan(policies=[policy(7), policy(5, entity_id="k2"), policy(7)]))

    newer = '{"version":8,"blocked":true}'
    assert Stale(((0, newer), (2, newer))) == reply


@pytest.mark.parametrize("standing", [5, 7])
async def test_an_entry_that_is_not_newer_is_no_obstacle(redis: Redis, standing: int) -> None:
    await given(redis, entry(standing))

    assert isinstance(await admit(redis, plan(policies=[policy(7)])), Admitted)


@pytest.mark.parametrize(
    "read", [policy(7, read_mark=9), policy(7, read_mark=10), policy(10, read_mark=0)]
)
async def test_what_was_read_after_the_fence_passes_it(redis: Redis, read: Plan) -> None:
    await given(redis, fence(9))

    assert isinstance(await admit(redis, plan(policies=[read])), Admitted)  # type: ignore[list-item]


async def test_an_entry_in_use_lives_on_and_a_fence_does_not(redis: Redis) -> None:
    await given(redis, entry(7))
    await redis.execute(["SET", "key:k2", '{"fence":3}', "PX", 5000])

    await admit(redis, plan(policies=[policy(7), policy(7, entity_id="k2", read_mark=4)]))

    left = await everything(redis)
    assert (left["key:k1"].expires_in or 0) > DAY_MS - 5000
    assert (left["key:k2"].expires_in or 0) <= 5000


@pytest.mark.parametrize("limit", [100, None])
async def test_a_new_period_starts_the_counter_afresh(redis: Redis, limit: int | None) -> None:
    await given_counter(redis, spent=70, reserved=20)

    await admit(
        redis, plan(budgets=[budget(limit=limit, since=SINCE + 1, opening=8)], reservation=5)
    )

    assert (SINCE + 1, 8, 5 if limit else 0) == await counter(redis)


async def test_a_period_without_a_limit_counts_for_a_limit_set_later(redis: Redis) -> None:
    await given_counter(redis, spent=70)
    held = await given_hold(redis, plan(budgets=[budget(limit=None, since=SINCE + 1)]))
    await settle(redis, held, settlement(60))

    reply = await admit(redis, plan(budgets=[budget(limit=100, since=SINCE + 1)], reservation=50))

    assert NoBudget(0, Nanodollars(60), Nanodollars(0)) == reply


async def test_a_counter_without_a_limit_is_not_made(redis: Redis) -> None:
    held = await given_hold(redis, plan(budgets=[budget(limit=None)], reservation=5))

    await settle(redis, held, settlement(3))

    assert {} == await hash_of(redis, COUNTER)


async def test_a_team_may_call_at_its_limit_what_costs_nothing(redis: Redis) -> None:
    await given_counter(redis, spent=100)

    reply = await admit(redis, plan(budgets=[budget(limit=100, at_limit=False)]))

    assert isinstance(reply, Admitted)


async def test_the_last_nanodollar_can_be_reserved(redis: Redis) -> None:
    await given_counter(redis, spent=60, reserved=35)

    reply = await admit(redis, plan(budgets=[budget(limit=100)], reservation=5))

    assert isinstance(reply, Admitted)
    assert (SINCE, 60, 40) == await counter(redis)


async def test_the_first_candidate_that_is_not_cooling_is_chosen_at_its_price(
    redis: Redis,
) -> None:
    await given_counter(redis)
    await given(redis, cooling(name="d1"))
    candidates = [candidate(100, "d1"), candidate(40, "d2"), candidate(10, "d3")]

    reply = await admit(redis, plan(budgets=[budget()], candidates=candidates))

    assert isinstance(reply, Admitted)
    assert 1 == reply.choice
    assert (SINCE, 0, 40) == await counter(redis)


async def test_a_lease_that_ran_out_gives_its_place(redis: Redis) -> None:
    await given(redis, leased("dead", until=1))

    reply = await admit(redis, plan("alive", leases=[lease(1)]))

    assert isinstance(reply, Admitted)
    assert {"alive"} == (await everything(redis))["parallel:key:k1"].value.keys()  # type: ignore[attr-defined]


@pytest.mark.parametrize("amount", [10**14, 10**15 + 1, 2**53 - 1, 123_456_789_012_345])
async def test_large_amounts_stay_exact_in_redis(redis: Redis, amount: int) -> None:
    await given_counter(redis, spent=1)
    limits = [budget(limit=2**62), budget(TEAM_COUNTER, limit=2**62, since=SINCE, opening=amount)]
    await given(redis, spent(0, key=TEAM_COUNTER, since=SINCE - 1))

    held = await given_hold(redis, plan(budgets=limits, reservation=amount))

    assert (SINCE, 1, amount) == await counter(redis)
    assert (SINCE, amount, amount) == await counter(redis, TEAM_COUNTER)
    assert str(amount) == (await hash_of(redis, f"hold:{held.request_id}"))["amount"]
    await settle(redis, held, settlement(amount))
    assert (SINCE, amount + 1, 0) == await counter(redis)
    assert str(amount) == (await ledger(redis))[0]["spend"]


async def test_an_opening_beyond_64_bits_neither_fails_nor_lets_anything_through(
    redis: Redis,
) -> None:
    await given_counter(redis)
    huge = 10**30

    held = await given_hold(
        redis, plan(budgets=[budget(limit=None, since=SINCE + 1, opening=huge)], reservation=5)
    )
    await settle(redis, held, settlement(3))
    reply = await admit(redis, plan(budgets=[budget(since=SINCE + 1, opening=huge)]))

    assert NoBudget(0, Nanodollars(MOST_IN_A_COUNTER + 3), Nanodollars(0)) == reply


@pytest.mark.parametrize("entity_id", AWKWARD_IDS)
async def test_awkward_ids_come_back_whole_from_the_hold(redis: Redis, entity_id: str) -> None:
    safe = encode_id(entity_id)
    key = f"budget:user:{safe}:-"
    await given_counter(redis, key)
    awkward = plan(
        budgets=[budget(key)],
        rates=[rate(rpm=2, of=f"user:{safe}")],
        leases=[lease(2, of=f"user:{safe}")],
        reservation=9,
    )
    held = await given_hold(redis, awkward)
    await given_overdue(redis, held)

    (dead,) = await due(redis, 10)

    assert held == dead.held
    assert await settle(redis, dead.held, settlement(0), mode="lost")
    assert (SINCE, 9, 0) == await counter(redis, key)
    assert f"parallel:user:{safe}" not in await everything(redis)


async def test_a_plan_of_nothing_is_admitted(redis: Redis) -> None:
    reply = await admit(redis, plan(candidates=[]))

    assert isinstance(reply, Admitted)
    assert ((), ()) == (reply.spent, reply.used)


async def test_spent_is_told_for_every_budget_and_use_for_every_rate(redis: Redis) -> None:
    await given_counter(redis, spent=DOLLAR // 2)
    await given(redis, spent(7, key=TEAM_COUNTER, since=SINCE - 1))

    reply = await admit(
        redis,
        plan(
            budgets=[
                budget(),
                budget(TEAM_COUNTER, limit=None, opening=2),
                budget("no", limit=None),
            ],
            rates=[rate(tpm=50), rate(rpm=5, of="team:t1")],
            tokens=20,
        ),
    )

    assert isinstance(reply, Admitted)
    assert (DOLLAR // 2, 2, 0) == reply.spent
    assert ((1, 20), (1, 20)) == reply.used
