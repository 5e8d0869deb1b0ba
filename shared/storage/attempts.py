"""Move a held call from a deployment that failed to the next, in one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.storage.admission import HOLDS
from shared.storage.plans import HOLD_LIFE_MS
from shared.storage.scripts import script
from shared.storage.words import (
    budget_words,
    candidate_words,
    cooling_words,
    optional,
    positions,
    rate_words,
    unexpected,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import CandidateLine, Outcome, Plan, Switch
    from shared.storage.redis import Runs


@dataclass(frozen=True, slots=True)
class NoCandidate:
    """No further deployment may take the call now; one is back in `ms`, 0 when none is cooling."""

    ms: int


@dataclass(frozen=True, slots=True)
class NoCounters:
    """These of the budgets that another model adds have no counters."""

    budgets: tuple[int, ...]


class HoldGone(Exception):  # noqa: N818 - reads as a sentence
    """The hold was swept or settled meanwhile: the call must stop."""


_NOWHERE: Final = ("-", "-", "-", "-")


async def attempt(
    redis: Runs,
    plan: Plan,
    failed: Outcome,
    *,
    number: int,
    candidates: Sequence[CandidateLine],
    switch: Switch | None = None,
) -> int | NoCandidate | NoCounters:
    """Book a deployment's failure and take the next of `candidates`; return its index.

    `number` is 2 for the second attempt of a request, and so on: it makes a repeat harmless.
    `switch` is for candidates of another model that has limits of its own.
    """
    keys = [
        f"hold:{plan.request_id}",
        HOLDS,
        failed.window_key,
        failed.cooldown_key,
        *(failed.place.left_keys if failed.place else _NOWHERE),
        *(line.key for line in plan.budgets),
        *(key for line in candidates for key in line.place.keys),
        *_switch_keys(switch),
    ]
    args: list[str | int] = [
        plan.request_id,
        number,
        HOLD_LIFE_MS,
        *cooling_words(failed.cooling),
        len(plan.budgets),
        len(candidates),
        plan.tokens,
        failed.sample if failed.place else "",
    ]
    for line in plan.budgets:
        args += [line.since, optional(line.limit)]
    for line in candidates:
        args += candidate_words(line)
    args += _switch_words(switch)
    return _reply(words(await redis.run(script("attempt"), keys, args)))


def _reply(reply: list[str]) -> int | NoCandidate | NoCounters:
    match reply:
        case ["OK", index]:
            return int(index) - 1
        case ["NONE", ms]:
            return NoCandidate(int(ms))
        case ["SEED", *found]:
            return NoCounters(positions(found))
        case ["GONE"]:
            raise HoldGone
        case _:
            raise unexpected("attempt", reply)


def _switch_keys(switch: Switch | None) -> list[str]:
    if switch is None:
        return []
    windows = (key for line in switch.rates for key in (line.current_key, line.previous_key))
    return [*(line.key for line in switch.budgets), *windows]


def _switch_words(switch: Switch | None) -> list[str | int]:
    if switch is None:
        return []
    args: list[str | int] = [len(switch.budgets), len(switch.rates), len(switch.left)]
    args += [position + 1 for position in switch.left]
    for line in switch.budgets:
        args += budget_words(line)
    for rate in switch.rates:
        args += rate_words(rate)
    return [*args, switch.row]
