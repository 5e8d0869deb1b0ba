"""Move a held call from a deployment that failed to the next, in one round trip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.storage.admission import HOLDS
from shared.storage.plans import HOLD_LIFE_MS
from shared.storage.scripts import script
from shared.storage.words import candidate_words, cooling_words, optional, unexpected, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import CandidateLine, Outcome, Plan
    from shared.storage.redis import Runs


@dataclass(frozen=True, slots=True)
class NoCandidate:
    """No further deployment may take the call now; one is back in `ms`, 0 when none is cooling."""

    ms: int


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
) -> int | NoCandidate:
    """Book a deployment's failure and take the next of `candidates`; return its index.

    `number` is 2 for the second attempt of a request, and so on: it makes a repeat harmless.
    """
    keys = [
        f"hold:{plan.request_id}",
        HOLDS,
        failed.window_key,
        failed.cooldown_key,
        *(failed.place.left_keys if failed.place else _NOWHERE),
        *(line.key for line in plan.budgets),
        *(key for line in candidates for key in line.place.keys),
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
    reply = words(await redis.run(script("attempt"), keys, args))
    match reply:
        case ["OK", index]:
            return int(index) - 1
        case ["NONE", ms]:
            return NoCandidate(int(ms))
        case ["GONE"]:
            raise HoldGone
        case _:
            raise unexpected("attempt", reply)
