"""A second place for a call whose first answer is slow, and how one of the two is left again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.storage.plans import HOLD_LIFE_MS
from shared.storage.scripts import script
from shared.storage.words import candidate_words, cooling_words, unexpected, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import CandidateLine, Outcome, Plan
    from shared.storage.redis import Runs

SAMPLES: Final = 100

_NOWHERE: Final = ("-", "-", "-", "-")


async def hedge(redis: Runs, plan: Plan, candidates: Sequence[CandidateLine]) -> int | None:
    """Take a place at one of `candidates`; return its index, None when nobody has room."""
    keys = [f"hold:{plan.request_id}", *(key for line in candidates for key in line.place.keys)]
    args: list[str | int] = [plan.request_id, HOLD_LIFE_MS, len(candidates), plan.tokens]
    for line in candidates:
        args += candidate_words(line)
    match words(await redis.run(script("hedge"), keys, args)):
        case ["OK", index]:
            return int(index) - 1
        case ["NONE"] | ["GONE"]:
            return None
        case reply:
            raise unexpected("hedge", reply)


async def drop(redis: Runs, plan: Plan, outcome: Outcome, *, is_second: bool) -> None:
    """Leave the place of the outcome, the second that was taken or the first."""
    keys = [
        f"hold:{plan.request_id}",
        outcome.window_key,
        outcome.cooldown_key,
        *(outcome.place.left_keys if outcome.place else _NOWHERE),
    ]
    args: list[str | int] = [
        plan.request_id,
        int(is_second),
        int(outcome.failed),
        *cooling_words(outcome.cooling),
        outcome.sample,
    ]
    await redis.run(script("drop"), keys, args)


async def latencies(redis: Runs, keys: Sequence[str], *, to_first_token: bool) -> list[int]:
    """Return how long the latest answers took, in milliseconds, of all deployments together."""
    found = await redis.run(script("latencies"), keys, [int(to_first_token), SAMPLES])
    return [int(str(each)) for each in found] if isinstance(found, list) else []
