"""What stands against a plan is told, and nothing is changed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from shared.domain import Millis, Nanodollars
from shared.storage.admission import (
    AdmitReply,
    AllCool,
    Clock,
    Cold,
    NoBudget,
    NoLease,
    NoRate,
    Seed,
    Stale,
    admit,
)
from tests.storage.given import (
    SINCE,
    TimedRedis,
    budget,
    candidate,
    everything,
    policy,
)
from tests.storage.room import (
    FULL,
    NOW_MS,
    ROOM,
    TEAM_COUNTER,
    Command,
    cooling,
    entry,
    fence,
    given,
    leased,
    spent,
    used,
)

if TYPE_CHECKING:
    from shared.storage.plans import Plan


@dataclass(frozen=True)
class Refusal:
    """What else stands in Redis, what is asked of it, and its reply."""

    commands: list[Command]
    plan: Plan
    reply: AdmitReply


REFUSALS: dict[str, Refusal] = {
    "too early": Refusal([], replace(FULL, valid_from=NOW_MS + 1), Clock(Millis(NOW_MS))),
    "too late": Refusal([], replace(FULL, valid_until=NOW_MS), Clock(Millis(NOW_MS))),
    "newer entry": Refusal([entry(8)], FULL, Stale(((0, '{"version":8,"blocked":true}'),))),
    "no entry": Refusal([["DEL", "key:k1"]], FULL, Cold((0,))),
    "an entry that is none": Refusal([["SET", "key:k1", "rubbish"]], FULL, Cold((0,))),
    "fence after the reading": Refusal(
        [fence(9)], replace(FULL, policies=(policy(7, read_mark=8),)), Cold((0,))
    ),
    "no counter": Refusal([["DEL", TEAM_COUNTER]], FULL, Seed((1,))),
    "a later period's counter": Refusal([spent(0, since=SINCE + 1)], FULL, Seed((0,))),
    "one nanodollar too much": Refusal(
        [spent(60, 36)], FULL, NoBudget(0, Nanodollars(60), Nanodollars(36))
    ),
    "over the second budget": Refusal(
        [spent(96, key=TEAM_COUNTER)], FULL, NoBudget(1, Nanodollars(96), Nanodollars(0))
    ),
    "at a key's limit, for nothing": Refusal(
        [spent(100)],
        replace(FULL, candidates=(candidate(0),)),
        NoBudget(0, Nanodollars(100), Nanodollars(0)),
    ),
    "a new period too small": Refusal(
        [],
        replace(FULL, budgets=(budget(limit=4, since=SINCE + 1),)),
        NoBudget(0, Nanodollars(0), Nanodollars(0)),
    ),
    "a new period's opening": Refusal(
        [],
        replace(FULL, budgets=(budget(limit=100, since=SINCE + 1, opening=96),)),
        NoBudget(0, Nanodollars(96), Nanodollars(0)),
    ),
    "requests": Refusal([used(10)], FULL, NoRate(0, "requests", 10, 60)),
    "requests of the second": Refusal(
        [used(10, of="team:t1")], FULL, NoRate(1, "requests", 10, 60)
    ),
    "tokens": Refusal([used(3, 901)], FULL, NoRate(0, "tokens", 901, 60)),
    "parallel": Refusal([leased("one", "more")], FULL, NoLease(0, 3)),
    "parallel of the second": Refusal([leased("a", "b", of="team:t1")], FULL, NoLease(1, 2)),
    "cooling": Refusal([cooling(NOW_MS + 5000)], FULL, AllCool(5000)),
    "all cooling, one sooner": Refusal(
        [cooling(NOW_MS + 5000), cooling(NOW_MS + 30, "d2")],
        replace(FULL, candidates=(candidate(5), candidate(5, "d2"))),
        AllCool(30),
    ),
}


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_refusal_says_what_and_changes_nothing(timed: TimedRedis, refusal: Refusal) -> None:
    await given(timed, *ROOM, *refusal.commands)
    before = await everything(timed)

    reply = await admit(timed, refusal.plan)

    assert refusal.reply == reply
    assert before == await everything(timed)
