"""One deployment after another until one answers: retries within the group, then fallbacks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from shared.errors import ProviderFailed, StoreDown
from shared.limits.places import candidate_line
from shared.routing.cooldown import cooldown_for
from shared.routing.retries import backoff_seconds, may_fall_back, may_retry, retry_limit
from shared.routing.strategies import TIMED_OUT
from shared.storage.attempts import HoldGone, NoCandidate, attempt

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.gateway.running import Running
    from shared.storage.plans import Cooling

T = TypeVar("T")

_TIMEOUT = 408


async def first_success(running: Running, ask: Callable[[Running], Awaitable[T]]) -> T:
    """Ask the call's deployments in turn; raise the last failure when none answers."""
    while True:
        running.begin()
        try:
            return await ask(running)
        except ProviderFailed as error:
            if not await _move_on(running, error):
                raise


async def _move_on(running: Running, error: ProviderFailed) -> bool:
    """Turn to the next deployment, in one round trip; False when the call ends here."""
    outcome = running.outcome(
        failed=True, cooling=_cooling(running, error), sample=_sample(running, error)
    )
    turns = next_turns(running, error)
    if not turns:
        running.fail(error, outcome)
        return False
    running.fail(error)
    now = running.gateway.clock.now()
    lines = [candidate_line(running.quotes[turn].candidate, now) for turn in turns]
    try:
        with running.timings.step("attempt"):
            chosen = await attempt(
                running.gateway.stores.redis,
                running.plan,
                outcome,
                number=len(running.tried) + 1,
                candidates=lines,
            )
    except (HoldGone, StoreDown):
        return False
    if isinstance(chosen, NoCandidate):
        return False
    is_again = turns[chosen] in running.tried
    running.turn_to(turns[chosen], lines[chosen].place)
    if is_again:
        await asyncio.sleep(backoff_seconds(len(running.tried) - 1, error, running.gateway.random))
    return True


def next_turns(running: Running, error: ProviderFailed) -> list[int]:
    """List whom to ask next, best first: the group's others, itself again, then the fallbacks."""
    quotes, tried = running.quotes, running.tried
    group = running.quote.group
    members = [i for i, quote in enumerate(quotes) if quote.group == group]
    tries = sum(1 for i in tried if quotes[i].group == group)
    turns: list[int] = []
    has_retries_left = tries <= retry_limit(running.call, running.gateway.config.router)
    if has_retries_left and may_retry(error, has_others=len(members) > 1):
        others = [i for i in members if i not in tried]
        turns += others or [i for i in members if i != running.current] or members
    if may_fall_back(error):
        turns += [i for i in range(max(members) + 1, len(quotes)) if i not in tried]
    return turns


def _sample(running: Running, error: ProviderFailed) -> str:
    """Count a timeout as a very slow answer, unless the caller would not wait."""
    is_timeout = error.status == _TIMEOUT and running.call.timeout is None
    return TIMED_OUT if is_timeout else ""


def _cooling(running: Running, error: ProviderFailed) -> Cooling:
    group = running.quote.group
    return cooldown_for(
        error,
        running.deployment,
        running.gateway.config.router,
        group_size=sum(1 for quote in running.quotes if quote.group == group),
        is_callers_timeout=running.call.timeout is not None,
    )
