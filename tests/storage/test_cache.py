"""The response cache inside admit and settle, and in a database of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.storage.admission import Admitted, Held, NoBudget, NoRate, Waiting, admit, settle
from shared.storage.cache import Found, keep, look
from shared.storage.plans import CacheLine, Keeping, Kept
from tests.storage.given import (
    SINCE,
    TimedRedis,
    budget,
    counter,
    everything,
    given_counter,
    hash_of,
    lease,
    ledger,
    plan,
    rate,
    settlement,
)
from tests.storage.room import NOW_MS, cooling

if TYPE_CHECKING:
    from shared.storage.plans import Plan
    from shared.storage.redis import Redis, Runs

HIT_ROW = '{"cache_hit":true}'
ENTRY = f'{{"at":{NOW_MS - 5000},"prompt":7,"completion":9,"body":{{}}}}'
OTHER = f'{{"at":{NOW_MS},"prompt":1,"completion":0,"embedding":[1]}}'


def looking(*keys: str, alone: int | None = None, age: int | None = None) -> CacheLine:
    return CacheLine(keys=keys or ("a",), row=HIT_ROW, max_age_ms=age, ask_alone_ms=alone)


def cached_plan(request_id: str = "r1", line: CacheLine | None = None) -> Plan:
    made = plan(
        request_id,
        budgets=[budget(limit=100)],
        rates=[rate(rpm=2, tpm=50)],
        leases=[lease(1)],
        reservation=60,
        tokens=40,
    )
    return replace(made, cache=line or looking())


async def given_entry(redis: Runs, key: str = "a", text: str = ENTRY) -> None:
    await redis.execute(["SET", f"cache:{key}", text])


async def test_a_hit_books_its_row_at_once_and_holds_nothing(timed: TimedRedis) -> None:
    await given_counter(timed)
    await given_entry(timed)
    await timed.execute(cooling())

    reply = await admit(timed, cached_plan())

    assert isinstance(reply, Admitted)
    assert (True, (ENTRY,), (0,), ((1, 0),)) == (
        reply.is_hit,
        reply.cached,
        reply.spent,
        reply.used,
    )
    (row,) = await ledger(timed)
    assert ("r1", "0", "7", "9", HIT_ROW) == (
        row["id"],
        row["spend"],
        row["prompt_tokens"],
        row["completion_tokens"],
        row["row"],
    )
    assert (SINCE, 0, 0) == await counter(timed)
    after = await everything(timed)
    assert {"hold:r1", "cache:a"} < after.keys()
    assert not {"holds:0", "parallel:key:k1"} & after.keys()
    assert after["hold:r1"].expires


async def test_the_same_hit_again_is_told_again_and_booked_once(timed: TimedRedis) -> None:
    await given_counter(timed)
    await given_entry(timed)

    first = await admit(timed, cached_plan())
    second = await admit(timed, cached_plan())

    assert isinstance(first, Admitted)
    assert isinstance(second, Admitted)
    assert (True, first.cached) == (second.is_hit, second.cached)
    assert 1 == len(await ledger(timed))
    assert {"requests": "1"}.items() <= (await hash_of(timed, "ratelimit:key:k1:now")).items()


async def test_a_key_over_its_budget_gets_no_hit(timed: TimedRedis) -> None:
    await given_counter(timed, spent=100)
    await given_entry(timed)

    assert isinstance(await admit(timed, cached_plan()), NoBudget)
    assert [] == await ledger(timed)


async def test_a_hit_needs_no_budget_for_itself_and_no_tokens(timed: TimedRedis) -> None:
    await given_counter(timed, spent=90)
    await given_entry(timed)
    replies = [await admit(timed, cached_plan(f"r{i}")) for i in range(3)]

    assert [True, True] == [reply.is_hit for reply in replies if isinstance(reply, Admitted)]
    assert isinstance(replies[2], NoRate)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "no json", '{"at":"x"}', '{"version":1,"at":1}'],
)
async def test_what_is_no_entry_is_a_miss(timed: TimedRedis, text: str) -> None:
    await given_counter(timed)
    await given_entry(timed, text=text)

    reply = await admit(timed, cached_plan())

    assert isinstance(reply, Admitted)
    assert (False, 0, ("",)) == (reply.is_hit, reply.choice, reply.cached)


async def test_another_kind_of_key_is_a_miss_and_fails_nothing(timed: TimedRedis) -> None:
    await given_counter(timed)
    await timed.execute(["HSET", "cache:a", "a", "b"])
    await timed.execute(["HSET", "asking:a", "a", "b"])

    reply = await admit(timed, cached_plan(line=looking(alone=1000)))

    assert isinstance(reply, Admitted)
    assert not reply.is_hit


@pytest.mark.parametrize(("age", "is_hit"), [(None, True), (5000, True), (4999, False)])
async def test_an_older_entry_than_asked_for_is_a_miss(
    timed: TimedRedis, age: int | None, *, is_hit: bool
) -> None:
    await given_counter(timed)
    await given_entry(timed)

    reply = await admit(timed, cached_plan(line=looking(age=age)))

    assert isinstance(reply, Admitted)
    assert is_hit == reply.is_hit


async def test_of_several_keys_all_must_be_there_and_those_that_are_come_along(
    timed: TimedRedis,
) -> None:
    await given_counter(timed)
    await given_entry(timed, "a")
    await given_entry(timed, "c", OTHER)

    some = await admit(timed, cached_plan(line=looking("a", "b", "c")))
    whole = await admit(timed, cached_plan("r2", looking("a", "c")))

    assert isinstance(some, Admitted)
    assert isinstance(whole, Admitted)
    assert (False, (ENTRY, "", OTHER)) == (some.is_hit, some.cached)
    assert (True, (ENTRY, OTHER)) == (whole.is_hit, whole.cached)
    assert "8" == (await ledger(timed))[0]["prompt_tokens"]


async def test_while_one_asks_the_others_wait_until_it_has_settled(timed: TimedRedis) -> None:
    await given_counter(timed)
    first, second = cached_plan("r1", looking(alone=1000)), cached_plan("r2", looking(alone=1000))
    await admit(timed, first)

    waiting = await admit(timed, second)
    kept = Keeping("a", (Kept("a", 5000, ENTRY),))
    await settle(timed, Held.by(first), replace(settlement(), keeping=kept))
    found = await admit(timed, second)

    assert Waiting() == waiting
    assert isinstance(found, Admitted)
    assert found.is_hit
    after = await everything(timed)
    assert 0 < (after["cache:a"].expires_in or 0) <= 5000
    assert "asking:a" not in after


async def test_who_waited_long_enough_asks_as_well(timed: TimedRedis) -> None:
    await given_counter(timed)
    no_leases = replace(cached_plan("r2"), leases=(), rates=(), budgets=())
    await admit(timed, cached_plan("r1", looking(alone=1000)))

    reply = await admit(timed, replace(no_leases, cache=looking()))

    assert isinstance(reply, Admitted)
    assert (False, 0) == (reply.is_hit, reply.choice)


async def test_a_call_that_failed_lets_the_others_ask(timed: TimedRedis) -> None:
    await given_counter(timed)
    first, second = cached_plan("r1", looking(alone=1000)), cached_plan("r2", looking(alone=1000))
    await admit(timed, first)

    await settle(timed, Held.by(first), replace(settlement(), keeping=Keeping("a")))

    reply = await admit(timed, second)
    assert isinstance(reply, Admitted)
    assert not reply.is_hit


async def test_a_refused_call_keeps_nobody_waiting(timed: TimedRedis) -> None:
    await given_counter(timed, spent=100)

    await admit(timed, cached_plan(line=looking(alone=1000)))

    assert "asking:a" not in await everything(timed)


async def test_a_hit_found_elsewhere_is_booked_the_same(timed: TimedRedis) -> None:
    await given_counter(timed)
    line = CacheLine(keys=(), row=HIT_ROW, known_tokens=(3, 4))

    replies = [await admit(timed, cached_plan(line=line)) for _ in range(2)]

    assert [True, True] == [isinstance(reply, Admitted) and reply.is_hit for reply in replies]
    (row,) = await ledger(timed)
    assert ("0", "3", "4") == (row["spend"], row["prompt_tokens"], row["completion_tokens"])


async def test_a_database_of_its_own_is_looked_into_and_written_in_one_call_each(
    redis: Redis,
) -> None:
    missed = await look(redis, "r1", ["a", "b"], oldest=0, ask_alone_ms=1000)
    waiting = await look(redis, "r2", ["a", "b"], oldest=0, ask_alone_ms=1000)
    await keep(redis, "r1", Keeping("a", (Kept("a", 5000, ENTRY), Kept("b", 5000, OTHER))))
    found = await look(redis, "r2", ["a", "b"], oldest=0, ask_alone_ms=1000)

    assert Found(("", ""), (0, 0)) == missed
    assert waiting is None
    assert Found((ENTRY, OTHER), (8, 9)) == found
    assert {"cache:a", "cache:b"} == (await everything(redis)).keys()
