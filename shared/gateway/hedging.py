"""Hedged requests: a deployment that is slower than most answers gets company; the first one wins.

The loser is hung up on. Only what the winner says it used is billed; the loser has said nothing.
"""

from __future__ import annotations

import asyncio
import time
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from shared.errors import ProviderFailed, RedisDown
from shared.gateway.asking import OpenStream
from shared.gateway.deadlines import LEAST_SECONDS, seconds_left
from shared.gateway.finishing import finish
from shared.gateway.timings import Timings
from shared.limits.places import candidate_line, place_of
from shared.observability import log
from shared.providers.dialect import Reply
from shared.routing.hedging import is_hedged
from shared.routing.strategies import Sample
from shared.storage.hedges import drop, hedge
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.gateway.running import Running
    from shared.storage.plans import Outcome

    Failure = Callable[[Running, ProviderFailed], Outcome]

T = TypeVar("T")


async def ask_hedged(
    running: Running, ask: Callable[[Running], Awaitable[T]], failure: Failure
) -> T:
    """Ask the current deployment and, where that is wanted and it is late, a second one.

    `failure` says how a failure is booked when the other goes on alone.
    """
    turns = _others(running)
    if not turns:
        return await ask(running)
    began = time.perf_counter()
    first = asyncio.ensure_future(ask(running))
    try:
        late = await _late(running)
        if late is not None:
            await asyncio.wait({first}, timeout=max(0.0, late - (time.perf_counter() - began)))
            other = None if first.done() else await _second(running, turns)
            if other is not None:
                race = _Race(running, other, first, asyncio.ensure_future(ask(other)))
                return await race.decided(failure)
        return await first
    finally:
        if not first.done():
            await finish(_hang_up(first))


@dataclass(slots=True)
class _Race(Generic[T]):
    """Two deployments that are asked the same; `other` is what is known of the second."""

    running: Running
    other: Running
    first: asyncio.Future[T]
    second: asyncio.Future[T]

    async def decided(self, failure: Failure) -> T:
        """Return the first answer; raise the last failure when there is none."""
        both = self.first, self.second
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            winner = next((f for f in both if f in done and f.exception() is None), None)
            if winner is None:
                return await self._alone(self.first in done, failure)
            loser = self.second if winner is self.first else self.first
            await _hang_up(loser)
            await self._leave(self._slower(winner.result(), loser is self.second))
            log.info("hedged", request_id=self.running.call.id, won_by_second=loser is self.first)
            return winner.result()
        finally:
            if self.running.hedge_place is not None:  # cancelled: nobody hears an answer
                await finish(self._given_up())

    async def _alone(self, has_first_failed: bool, failure: Failure) -> T:  # noqa: FBT001 - private
        """Book that one of them failed, and go on with the other."""
        failed, left = (self.first, self.second) if has_first_failed else (self.second, self.first)
        error = failed.exception()
        if not isinstance(error, ProviderFailed):
            raise error or RuntimeError("a failure without an error")
        whose = self.running if has_first_failed else self.other
        await self._leave(failure(whose, error))
        answer = await left
        if has_first_failed:
            self.running.take_over(self.other)
        return answer

    def _slower(self, answer: T, is_second: bool) -> Outcome:  # noqa: FBT001 - private
        """Say of the loser that it took this long at least: a sample of its latency."""
        whose = self.other if is_second else self.running
        usage = answer.usage if isinstance(answer, Reply) else None
        waited = whose.waited_ms
        tokens = usage.completion_tokens if usage is not None else 0
        sample = Sample.of(waited, tokens, waited if whose.call.is_stream else None)
        return whose.outcome(failed=False, sample=sample.text)

    async def _leave(self, outcome: Outcome) -> None:
        """Leave one of the places: from now on the call is at the other alone."""
        running = self.running
        is_second = outcome.place == running.hedge_place
        running.hedge_place = None
        if not is_second:
            running.take_over(self.other)
        try:
            await drop(running.gateway.stores.redis, running.plan, outcome, is_second=is_second)
        except (RedisDown, RedisRefused) as error:
            # Its lease ends by itself.
            log.warning("hedge_not_left", request_id=running.call.id, reason=str(error))

    async def _given_up(self) -> None:
        await _hang_up(self.first)
        await _hang_up(self.second)
        await self._leave(self.other.outcome(failed=False))


def _others(running: Running) -> list[int]:
    """List who may be asked beside the first: of its group and order, once for a call."""
    quote, router = running.quote, running.gateway.config.router
    if len(running.tried) > 1 or not is_hedged(router, quote.group, running.call):
        return []
    return [
        turn
        for turn, each in enumerate(running.quotes)
        if each.level == quote.level and turn not in running.tried
    ]


async def _late(running: Running) -> float | None:
    """Tell after how many seconds an answer of the group is later than most."""
    gateway, group = running.gateway, running.quote.group
    now = gateway.clock.now()
    keys = [
        place_of(quote.deployment.id, now).latency_key
        for quote in running.quotes
        if quote.group == group
    ]
    percentile = gateway.config.router.hedge_percentile
    pace = group, running.call.is_stream
    return await gateway.paces.of(gateway.stores.redis, pace, keys, percentile)


async def _second(running: Running, turns: list[int]) -> Running | None:
    """Take a second place; return what is known of the call there, None where nobody has room."""
    if seconds_left(running) < LEAST_SECONDS:
        return None
    now = running.gateway.clock.now()
    lines = [candidate_line(running.quotes[turn].candidate, now) for turn in turns]
    try:
        chosen = await hedge(running.gateway.stores.redis, running.plan, lines)
    except (RedisDown, RedisRefused) as error:
        log.warning("not_hedged", request_id=running.call.id, reason=str(error))
        return None
    if chosen is None:
        return None
    other = copy(running)
    other.timings = Timings()
    other.current, other.place = turns[chosen], lines[chosen].place
    other.begin()
    running.tried.append(turns[chosen])
    running.hedge_place = other.place
    return other


async def _hang_up(asked: asyncio.Future[T]) -> None:
    """Give up an answer; one that has come meanwhile is closed."""
    asked.cancel()
    (answer,) = await asyncio.gather(asked, return_exceptions=True)
    if isinstance(answer, OpenStream):
        await answer.close()
