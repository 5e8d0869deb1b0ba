"""Admit, attempt, renew, settle: one round trip each, with typed replies."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from shared.domain import NANODOLLARS_PER_DOLLAR, Millis, Nanodollars
from shared.storage.config_entries import VERSION_KEY
from shared.storage.plans import HOLD_LIFE_MS, Cooling
from shared.storage.policies import redis_key
from shared.storage.redis import RedisRefused
from shared.storage.scripts import script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Json
    from shared.storage.plans import BudgetLine, CandidateLine, Outcome, Plan, Settlement
    from shared.storage.redis import Runs

SHARD = 0
"""Holds and ledger are written per shard; one is enough until a single stream is the bottleneck."""

HOLDS = f"holds:{SHARD}"
LEDGER = f"ledger:{SHARD}"
LEDGER_POSITION = f"ledger:{SHARD}:position"
MAX_ROWS_TO_SEED_FROM = 5_000
MOST_IN_A_COUNTER = 4_000_000_000 * NANODOLLARS_PER_DOLLAR
"""What a counter may start from: Redis counts in signed 64-bit integers, and fails over them."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The request holds its room; `choice` indexes the plan's candidates, from 0."""

    at_us: int
    choice: int
    spent: tuple[Nanodollars, ...] = ()
    used: tuple[tuple[int, int], ...] = ()
    """Requests and tokens in the trailing minute for each rate line, this request included."""

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


AdmitReply = (
    Admitted | Reconfigured | Stale | Cold | Seed | Clock | NoBudget | NoRate | NoLease | AllCool
)


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
        *(line.cooldown_key for line in plan.candidates),
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
        opening = min(line.opening, MOST_IN_A_COUNTER)
        args += [line.since, opening, _optional(line.limit), int(line.refuses_at_limit)]
    for rate in plan.rates:
        args += [_optional(rate.rpm), _optional(rate.tpm)]
    args += [lease.limit for lease in plan.leases]
    args += [candidate.reservation for candidate in plan.candidates]
    reply = _words(await redis.run(script("admit"), keys, args))
    if reply == ["CONFIG"]:
        return Reconfigured()
    return _admit_reply(reply, n_budgets=len(plan.budgets))


def _admit_reply(reply: list[str], *, n_budgets: int) -> AdmitReply:
    match reply:
        case ["OK", at_us, choice, *rest]:
            spent, used = rest[:n_budgets], [int(word) for word in rest[n_budgets:]]
            return Admitted(
                at_us=int(at_us),
                choice=int(choice) - 1,
                spent=tuple(Nanodollars(int(word)) for word in spent),
                used=tuple(zip(used[::2], used[1::2], strict=True)),
            )
        case ["STALE", *rest]:
            pairs = zip(rest[::2], rest[1::2], strict=True)
            return Stale(tuple((int(index) - 1, json) for index, json in pairs))
        case ["COLD", *indices]:
            return Cold(_indices(indices))
        case ["SEED", *indices]:
            return Seed(_indices(indices))
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
            raise _unexpected("admit", reply)


@dataclass(frozen=True, slots=True)
class NoCandidate:
    """No further deployment may take the call now; one is back in `ms`, 0 when none is cooling."""

    ms: int


class HoldGone(Exception):  # noqa: N818 - reads as a sentence
    """The hold was swept or settled meanwhile: the call must stop."""


async def attempt(
    redis: Runs,
    plan: Plan,
    failed: Outcome,
    *,
    number: int,
    candidates: Sequence[CandidateLine],
) -> int | NoCandidate:
    """Book a deployment's failure and take the next of `candidates`; return its index.

    `number` is 2 for the second attempt of a request, and so on: it makes a repeat harmless.
    """
    keys = [
        f"hold:{plan.request_id}",
        HOLDS,
        failed.window_key,
        failed.cooldown_key,
        *(line.key for line in plan.budgets),
        *(line.cooldown_key for line in candidates),
    ]
    args: list[str | int] = [
        plan.request_id,
        number,
        HOLD_LIFE_MS,
        *_cooling_words(failed.cooling),
        len(plan.budgets),
        len(candidates),
    ]
    for line in plan.budgets:
        args += [line.since, _optional(line.limit)]
    args += [line.reservation for line in candidates]
    reply = _words(await redis.run(script("attempt"), keys, args))
    match reply:
        case ["OK", index]:
            return int(index) - 1
        case ["NONE", ms]:
            return NoCandidate(int(ms))
        case ["GONE"]:
            raise HoldGone
        case _:
            raise _unexpected("attempt", reply)


async def renew(redis: Runs, plan: Plan) -> bool:
    """Move a running call's deadline; return whether it is still held."""
    keys = [f"hold:{plan.request_id}", HOLDS, *(line.key for line in plan.leases)]
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


def _charged(line: BudgetLine) -> tuple[str, int, bool]:
    return (line.key, line.since, line.limit is not None)


async def settle(
    redis: Runs, held: Held, settlement: Settlement, *, mode: SettleMode = "settle"
) -> bool:
    """End a hold; return False when nothing changed: it had ended before, or must not be lost."""
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
        *_cooling_words(outcome.cooling if outcome else Cooling()),
        len(held.budgets),
        len(held.window_keys),
        len(held.lease_keys),
    ]
    for _, since, is_reserved in held.budgets:
        args += [since, int(is_reserved)]
    reply = _words(await redis.run(script("settle"), keys, args))
    return reply[0] in ("OK", "CORRECTED")


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
    reply = _words(await redis.run(script("seed"), keys, args))
    if reply == ["BEHIND"]:
        raise RedisRefused("the ledger's drain is behind: counters cannot be made now")
    return reply == ["OK"]


def _cooling_words(cooling: Cooling) -> tuple[str | int, ...]:
    return (
        int(cooling.seconds * 1000),
        int(cooling.at_once),
        cooling.least_requests,
        cooling.percent,
    )


def _optional(number: int | None) -> str | int:
    return "" if number is None else number


def _indices(words: Sequence[str]) -> tuple[int, ...]:
    return tuple(int(word) - 1 for word in words)


def _words(reply: Json) -> list[str]:
    if not isinstance(reply, list):
        raise _unexpected("a script", reply)
    return [str(word) for word in reply]


def _unexpected(name: str, reply: object) -> RedisRefused:
    return RedisRefused(f"{name} answered {reply!r}")
