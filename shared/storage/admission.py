"""Admit, attempt, renew, settle: one round trip each, with typed replies."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from shared.domain import Millis, Nanodollars
from shared.storage.cache import asking_key, cache_key, keeping_keys, keeping_words
from shared.storage.config_entries import VERSION_KEY
from shared.storage.plans import HOLD_LIFE_MS, Cooling
from shared.storage.policies import redis_key
from shared.storage.redis import RedisRefused
from shared.storage.scripts import script
from shared.storage.words import (
    MOST_IN_A_COUNTER,
    budget_words,
    candidate_words,
    cooling_words,
    in_the_periods_of,
    optional,
    positions,
    rate_words,
    unexpected,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import (
        BudgetLine,
        CacheLine,
        Place,
        Plan,
        Settlement,
    )
    from shared.storage.redis import Runs

SHARD = 0
"""Holds and ledger are written per shard; one is enough until a single stream is the bottleneck."""

HOLDS = f"holds:{SHARD}"
LEDGER = f"ledger:{SHARD}"
LEDGER_POSITION = f"ledger:{SHARD}:position"
MAX_ROWS_TO_SEED_FROM = 5_000


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request holds its room; `choice` indexes the plan's candidates, from 0."""

    at_us: int
    choice: int
    spent: tuple[Nanodollars, ...] = ()
    used: tuple[tuple[int, int], ...] = ()
    """Requests and tokens in the trailing window of each rate line, this request included."""
    cached: tuple[str, ...] = ()
    """The cache's entries for the call's keys, empty where there is none."""
    is_hit: bool = False
    """Whether they answer the call: then it holds nothing, and its row is booked."""

    @property
    def at(self) -> Millis:
        """When Redis admitted it."""
        return Millis(self.at_us // 1000)


@dataclass(frozen=True, slots=True)
class Stale:
    """Newer entries stand in Redis: (index of the policy, its JSON)."""

    entries: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Cold:
    """These policies must be read from Postgres."""

    policies: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Seed:
    """These budget counters are missing."""

    budgets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """Redis's time lies outside the plan."""

    now: Millis


@dataclass(frozen=True, slots=True)
class NoBudget:
    """A budget cannot bear the reservation."""

    budget: int
    spent: Nanodollars
    reserved: Nanodollars


@dataclass(frozen=True, slots=True)
class NoRate:
    """A rate window is full; room in `seconds`."""

    rate: int
    kind: Literal["requests", "tokens"]
    used: int
    seconds: int


@dataclass(frozen=True, slots=True)
class NoLease:
    """Too many calls are running."""

    lease: int
    used: int


@dataclass(frozen=True, slots=True)
class AllCool:
    """Every candidate cools down; the first is back in `ms`."""

    ms: int


@dataclass(frozen=True, slots=True)
class Reconfigured:
    """Another version of the configuration stands in Redis."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """An equal call is being answered; its answer will be in the cache."""


Decision = (
    Admitted | Reconfigured | Stale | Cold | Seed | Clock | NoBudget | NoRate | NoLease | AllCool
)
AdmitReply = Decision | Waiting


async def admit(redis: Runs, plan: Plan, config_version: str = "") -> AdmitReply:
    """Take all the room `plan` asks for, or learn what stands against it.

    The version of the configuration that the plan was made by is compared unless it is "".
    """
    keys = [
        f"hold:{plan.request_id}",
        HOLDS,
        VERSION_KEY,
        *(redis_key(policy.scope, policy.entity_id) for policy in plan.policies),
        *(line.key for line in plan.budgets),
        *(key for line in plan.rates for key in (line.current_key, line.previous_key)),
        *(line.key for line in plan.leases),
        *(key for line in plan.candidates for key in line.place.keys),
        *_cache_keys(plan.cache),
    ]
    args: list[str | int] = [
        plan.request_id,
        HOLD_LIFE_MS,
        plan.valid_from,
        plan.valid_until,
        plan.lost.row,
        plan.lost.prompt_tokens,
        plan.lost.completion_tokens,
        plan.tokens,
        len(plan.policies),
        len(plan.budgets),
        len(plan.rates),
        len(plan.leases),
        len(plan.candidates),
        config_version,
    ]
    for policy in plan.policies:
        args += [policy.version, policy.read_mark]
    for line in plan.budgets:
        args += budget_words(line)
    for rate in plan.rates:
        args += rate_words(rate)
    args += [lease.limit for lease in plan.leases]
    for candidate in plan.candidates:
        args += candidate_words(candidate)
    args += _cache_words(plan.cache)
    reply = words(await redis.run(script("admit"), keys, args))
    if reply == ["CONFIG"]:
        return Reconfigured()
    return _admit_reply(reply, n_budgets=len(plan.budgets))


def _admit_reply(reply: list[str], *, n_budgets: int) -> AdmitReply:
    match reply:
        case ["OK" | "HIT", *_]:
            return _admitted(reply, n_budgets)
        case ["WAIT"]:
            return Waiting()
        case _:
            return _obstacle(reply)


def _obstacle(reply: list[str]) -> Decision:
    match reply:
        case ["STALE", *rest]:
            pairs = zip(rest[::2], rest[1::2], strict=True)
            return Stale(tuple((int(index) - 1, json) for index, json in pairs))
        case ["COLD", *found]:
            return Cold(positions(found))
        case ["SEED", *found]:
            return Seed(positions(found))
        case ["CLOCK", now]:
            return Clock(Millis(int(now)))
        case ["BUDGET", index, spent, reserved]:
            return NoBudget(int(index) - 1, Nanodollars(int(spent)), Nanodollars(int(reserved)))
        case ["RATE", index, ("requests" | "tokens") as kind, used, seconds]:
            return NoRate(int(index) - 1, kind, int(used), int(seconds))
        case ["PARALLEL", index, used]:
            return NoLease(int(index) - 1, int(used))
        case ["COOLING", ms]:
            return AllCool(int(ms))
        case _:
            # ENDED as well: its caller went away after settling, and nobody reads this.
            raise unexpected("admit", reply)


def _admitted(reply: list[str], n_budgets: int) -> Admitted:
    word, at_us, choice, n_cached, *rest = reply
    cached, told = rest[: int(n_cached)], rest[int(n_cached) :]
    spent, used = told[:n_budgets], [int(word) for word in told[n_budgets:]]
    return Admitted(
        at_us=int(at_us),
        choice=int(choice) - 1,
        spent=tuple(Nanodollars(int(word)) for word in spent),
        used=tuple(zip(used[::2], used[1::2], strict=True)),
        cached=tuple(cached),
        is_hit=word == "HIT",
    )


def _cache_keys(cache: CacheLine | None) -> list[str]:
    if cache is None:
        return []
    names = map(cache_key, cache.keys)
    return [LEDGER, asking_key(cache.keys[0]), *names] if cache.keys else [LEDGER]


def _cache_words(cache: CacheLine | None) -> list[str | int]:
    if cache is None:
        return []
    age, alone = optional(cache.max_age_ms), optional(cache.ask_alone_ms)
    return [cache.row, age, alone, *(cache.known_tokens or ("", ""))]


async def renew(redis: Runs, plan: Plan, place: Place | None = None) -> bool:
    """Move the deadline of a call that runs at `place`; return whether it is still held."""
    leases = [line.key for line in plan.leases]
    places = [place.active_key, place.parallel_key] if place else ["-"]
    keys = [f"hold:{plan.request_id}", HOLDS, *places, *leases]
    return await redis.run(script("renew"), keys, [plan.request_id, HOLD_LIFE_MS]) == 1


SettleMode = Literal["settle", "lost", "booked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Which keys a hold stands in: from the plan, or as the hold itself remembers them."""

    request_id: str
    budgets: tuple[tuple[str, int, bool], ...]
    """Counter key, since in ms, whether something was reserved there."""
    window_keys: tuple[str, ...]
    lease_keys: tuple[str, ...]

    @classmethod
    def by(cls, plan: Plan) -> Held:
        """Read it off the plan that was admitted."""
        return cls(
            request_id=plan.request_id,
            budgets=tuple(_charged(line) for line in plan.budgets),
            window_keys=tuple(line.current_key for line in plan.rates),
            lease_keys=tuple(line.key for line in plan.leases),
        )

    @classmethod
    def of_lines(cls, request_id: str, budgets: str, windows: str, leases: str) -> Held:
        """Read it off what the hold remembers."""
        lines = _lines(budgets)
        each = zip(lines[::3], lines[1::3], lines[2::3], strict=True)
        return cls(
            request_id=request_id,
            budgets=tuple((key, int(since), reserved == "1") for key, since, reserved in each),
            window_keys=tuple(_lines(windows)),
            lease_keys=tuple(_lines(leases)),
        )


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _charged(line: BudgetLine) -> tuple[str, int, bool]:
    return (line.key, line.since, line.limit is not None)


class LedgerFull(Exception):  # noqa: N818 - reads as a sentence
    """As many rows wait in Redis as may; this one must be booked in Postgres."""


async def settle(
    redis: Runs,
    held: Held,
    settlement: Settlement,
    *,
    mode: SettleMode = "settle",
    most_rows: int | None = None,
) -> bool:
    """End a hold; return False when nothing changed: it had ended before, or must not be lost.

    Raise LedgerFull, and change nothing, when `most_rows` of the ledger wait already. A hold that
    stands elsewhere than its function knows is ended there, in the periods that it names.
    """
    reply = await _settle(redis, held, settlement, mode, most_rows)
    if reply[0] == "OTHER":
        _, budgets, windows, leases, row = reply
        there = Held.of_lines(held.request_id, budgets, windows, leases)
        told = replace(settlement, row=in_the_periods_of(row, settlement.row))
        reply = await _settle(redis, there, told, mode, most_rows)
    if reply == ["FULL"]:
        raise LedgerFull
    return reply[0] in ("OK", "CORRECTED")


async def _settle(
    redis: Runs, held: Held, settlement: Settlement, mode: SettleMode, most_rows: int | None
) -> list[str]:
    outcome = settlement.outcome
    keys = [
        f"hold:{held.request_id}",
        HOLDS,
        LEDGER,
        outcome.window_key if outcome else "-",
        outcome.cooldown_key if outcome else "-",
        *(key for key, _, _ in held.budgets),
        *held.window_keys,
        *held.lease_keys,
        *(settlement.place.left_keys if settlement.place else ()),
        *keeping_keys(settlement.keeping),
    ]
    args: list[str | int] = [
        mode,
        held.request_id,
        settlement.cost,
        settlement.prompt_tokens,
        settlement.completion_tokens,
        settlement.row,
        settlement.correction_id,
        int(outcome is not None and outcome.failed),
        *cooling_words(outcome.cooling if outcome else Cooling()),
        len(held.budgets),
        len(held.window_keys),
        len(held.lease_keys),
    ]
    for _, since, is_reserved in held.budgets:
        args += [since, int(is_reserved)]
    args += [settlement.sample if settlement.place else "-"]
    args += keeping_words(settlement.keeping)
    args += [optional(most_rows)]
    return words(await redis.run(script("settle"), keys, args))


@dataclass(frozen=True, slots=True)
class CounterSeed:
    """What a missing counter starts from."""

    key: str
    since: Millis
    spent: Nanodollars


async def seed(redis: Runs, position: str, counters: Sequence[CounterSeed]) -> bool:
    """Make missing counters; False when the snapshot at `position` is too old to build on.

    Raise RedisRefused when the drain is too far behind to count what is on its way.
    """
    keys = [LEDGER, LEDGER_POSITION, *(counter.key for counter in counters)]
    args: list[str | int] = [position, MAX_ROWS_TO_SEED_FROM, f"seed {secrets.token_hex(8)}"]
    for counter in counters:
        args += [counter.since, min(counter.spent, MOST_IN_A_COUNTER)]
    reply = words(await redis.run(script("seed"), keys, args))
    if reply == ["BEHIND"]:
        raise RedisRefused("the ledger's drain is behind: counters cannot be made now")
    return reply == ["OK"]
