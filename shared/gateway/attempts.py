"""One deployment after another until one answers: retries within the group, then fallbacks."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from shared.errors import (
    ContentPolicyViolated,
    ContextWindowExceeded,
    ProviderFailed,
    StoreDown,
)
from shared.gateway.deadlines import LEAST_SECONDS, rest_until, seconds_left
from shared.gateway.hedging import ask_hedged
from shared.gateway.mocking import fails_for_good, is_mocked
from shared.gateway.planning import by_limits, switch_to
from shared.limits.counters import make_missing
from shared.limits.places import candidate_line
from shared.routing.cooldown import NEVER, cooldown_for
from shared.routing.retries import backoff_seconds, may_fall_back, may_retry, retry_limit
from shared.routing.strategies import TIMED_OUT
from shared.storage.attempts import HoldGone, NoCandidate, NoCounters, attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from shared.gateway.running import Running
    from shared.storage.plans import Cooling, Outcome, Place

T = TypeVar("T")

_TIMEOUT = 408


async def first_success(running: Running, ask: Callable[[Running], Awaitable[T]]) -> T:
    """Ask the call's deployments in turn; raise the last failure when none answers."""
    while True:
        running.begin()
        try:
            return await ask_hedged(running, ask, failure_of)
        except ProviderFailed as error:
            if not await _move_on(running, error):
                raise


async def _move_on(running: Running, error: ProviderFailed) -> bool:
    """Turn to the next deployment, in one round trip; False when the call ends here."""
    outcome = failure_of(running, error)
    turns = next_turns(running, error)
    if not turns or seconds_left(running) < LEAST_SECONDS:
        running.fail(error, outcome)
        return False
    running.fail(error)
    try:
        taken = await _take(running, outcome, turns, error)
    except (HoldGone, StoreDown):
        return False
    if taken is None:
        return False
    turn, place = taken
    is_again = turn in running.tried
    running.turn_to(turn, place)
    if is_again:
        pause = backoff_seconds(len(running.tried) - 1, error, running.gateway.random)
        if pause + LEAST_SECONDS > seconds_left(running):
            running.fail(error)
            return False
        await asyncio.sleep(pause)
    return True


def failure_of(running: Running, error: ProviderFailed) -> Outcome:
    """Say how a failure is booked at the current deployment."""
    return running.outcome(
        failed=not is_mocked(running),
        cooling=_cooling(running, error),
        sample=_sample(running, error),
    )


async def _take(
    running: Running, outcome: Outcome, turns: Sequence[int], error: ProviderFailed
) -> tuple[int, Place] | None:
    """Take a place at the first of `turns` that has room, after a short rest if they all cool.

    Turns whose models have different limits are asked for one after the other.
    """
    if not running.is_held:
        return _take_unasked(running, turns[0])
    for has_rested in (False, True):
        waits: list[int] = []
        for part in by_limits(running, turns):
            chosen = await _take_one(running, outcome, part)
            if not isinstance(chosen, NoCandidate):
                return chosen
            waits += [chosen.ms] if chosen.ms else []
        rest = rest_until(running.gateway, running.call, min(waits, default=0))
        if has_rested or rest is None or not may_retry_group(running, error):
            return None
        await asyncio.sleep(rest)
    return None


def _take_unasked(running: Running, turn: int) -> tuple[int, Place]:
    """Take a turn of a call that passed without Redis: nobody knows who has room."""
    if (switch := switch_to(running, turn)) is not None:
        running.plan = switch.applied(running.plan)
    now = running.gateway.clock.now()
    return turn, candidate_line(running.quotes[turn].candidate, now).place


async def _take_one(
    running: Running, outcome: Outcome, turns: Sequence[int]
) -> tuple[int, Place] | NoCandidate:
    """Take the first of these turns, with the limits of its model in the place of the last's."""
    stores, now = running.gateway.stores, running.gateway.clock.now()
    switch = switch_to(running, turns[0])
    lines = [candidate_line(running.quotes[turn].candidate, now) for turn in turns]
    ask = partial(
        attempt,
        stores.redis,
        running.plan,
        outcome,
        number=len(running.tried) + 1,
        candidates=lines,
        switch=switch,
    )
    with running.timings.step("attempt"):
        chosen = await ask()
        if isinstance(chosen, NoCounters) and switch is not None:
            await make_missing(stores, [switch.budgets[i] for i in chosen.budgets])
            chosen = await ask()
    if isinstance(chosen, NoCounters):
        return NoCandidate(0)  # the ledger moves faster than we read it: pass this model over
    if isinstance(chosen, NoCandidate):
        return chosen
    if switch is not None:
        running.plan = switch.applied(running.plan)
    return turns[chosen], lines[chosen].place


def may_retry_group(running: Running, error: ProviderFailed) -> bool:
    """Tell whether the call has a retry left within its model group."""
    router, quotes, group = running.gateway.config.router, running.quotes, running.quote.group
    tries = sum(1 for i in running.tried if quotes[i].group == group)
    members = sum(1 for quote in quotes if quote.group == group)
    return (
        tries <= retry_limit(running.call, router, group, error)
        and may_retry(error, has_others=members > 1, router=router, group=group)
        and not fails_for_good(running)
    )


def next_turns(running: Running, error: ProviderFailed) -> list[int]:
    """List whom to ask next, best first: the group's others, itself again, then the fallbacks."""
    quotes, tried = running.quotes, running.tried
    group = running.quote.group
    members = [i for i, quote in enumerate(quotes) if quote.group == group]
    turns: list[int] = []
    if may_retry_group(running, error):
        others = [i for i in members if i not in tried]
        turns += others or [i for i in members if i != running.current] or members
    if may_fall_back(error):
        turns += [i for i in _stand_ins(running, error, max(members)) if i not in tried]
    return turns


def _stand_ins(running: Running, error: ProviderFailed, last: int) -> list[int]:
    """List the fallbacks for this kind of error; those for any error, where it has none."""
    quotes = running.quotes
    match error:
        case ContextWindowExceeded():
            special = [i for i, quote in enumerate(quotes) if "context_window" in quote.helps]
        case ContentPolicyViolated():
            special = [i for i, quote in enumerate(quotes) if "content_policy" in quote.helps]
        case _:
            special = []
    return special or [i for i in range(last + 1, len(quotes)) if "any" in quotes[i].helps]


def _sample(running: Running, error: ProviderFailed) -> str:
    """Count a timeout as a very slow answer, unless the caller would not wait."""
    is_timeout = error.status == _TIMEOUT and running.call.timeout is None
    return TIMED_OUT if is_timeout else ""


def _cooling(running: Running, error: ProviderFailed) -> Cooling:
    if is_mocked(running):
        return NEVER
    group = running.quote.group
    return cooldown_for(
        error,
        running.deployment,
        running.gateway.config.router,
        group_size=sum(1 for quote in running.quotes if quote.group == group),
        is_callers_timeout=running.call.timeout is not None,
    )
