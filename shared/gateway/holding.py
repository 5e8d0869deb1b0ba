"""Authenticate, authorize and admit: the rounds until a call holds its room, or is refused.

Admit is the judge of what this process believes. When it answers that entries are stale, counters
missing or the clock off, that is put right and everything is decided anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from shared.auth.authenticate import identify
from shared.auth.keys import presented_key
from shared.auth.visibility import with_own_models
from shared.cache.lookup import lookup_of
from shared.config.live import NOT_TOLD
from shared.controls import CacheControl
from shared.domain import KeyHash
from shared.errors import NotAuthenticated, RedisDown, Refused, StoreDown
from shared.gateway.caching import admit_unless_known, caching_of
from shared.gateway.choosing import choose
from shared.gateway.clamping import clamped, room_of
from shared.gateway.deadlines import rest_until
from shared.gateway.detour import Detour
from shared.gateway.finishing import finish
from shared.gateway.following import follow
from shared.gateway.planning import next_model, plan_of
from shared.gateway.running import Running
from shared.gateway.standing import with_standing_wishes
from shared.gateway.timings import PROVIDER, Timings
from shared.gateway.unheard import Asked, Unheard
from shared.gateway.without_redis import pass_without_redis
from shared.limits.budgets import since_of
from shared.limits.counters import make_counters
from shared.limits.refusals import refusal
from shared.spend.ids import uuid7
from shared.spend.row import Ending, render_row
from shared.storage.admission import (
    Admitted,
    AllCool,
    Clock,
    Cold,
    NoBudget,
    Reconfigured,
    Seed,
    Stale,
)
from shared.storage.policies import parse
from shared.storage.principals import Named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.cache.lookup import Lookup
    from shared.domain import Call, Principal
    from shared.gateway.gateway import Gateway
    from shared.gateway.quotes import Quote
    from shared.limits.refusals import Refusal
    from shared.storage.plans import Plan

ROUNDS = 7
"""Config may come twice, stale, cold, seed, clock once each; more: it changes all the time."""

RELOADS = 2
"""A first reload may join a reading that began before this call; a second began after it. So what
it brings was in force during the call, whatever comes next: the call is decided by that."""


async def hold(gateway: Gateway, headers: Mapping[str, str], asked: Call, route: str) -> Running:
    """Return the call with its room taken; raise Refused when there is none or it may not."""
    timings = Timings()
    degraded = gateway.current().config.degraded
    if degraded.postgres_down == "closed" and gateway.backlog.stands:
        raise StoreDown("Postgres is down and the ledger in Redis is full; try again in a while.")
    unheard = Unheard()
    try:
        try:
            return await _hold(gateway, headers, asked, route, timings, unheard)
        except RedisDown:
            if degraded.redis_down == "closed":
                raise
        return await _pass(gateway.current(), headers, asked, route, timings)
    except BaseException as error:
        await finish(unheard.book_nothing(error))
        raise


async def _pass(
    gateway: Gateway, headers: Mapping[str, str], asked: Call, route: str, timings: Timings
) -> Running:
    """Return the call, though Redis cannot say whether it may."""
    # What this process remembers is asked for its age now: nobody else will say if it still holds.
    decided = await _decide(gateway, headers, asked, route, trusts=(True,))
    if decided is None:
        raise StoreDown("The configuration has just changed; try again in a few seconds.")
    return await pass_without_redis(gateway, decided, plan_of(gateway, *decided), timings)


async def _hold(
    gateway: Gateway,
    headers: Mapping[str, str],
    asked: Call,
    route: str,
    timings: Timings,
    unheard: Unheard,
) -> Running:
    reloads, search = 0, _Search(timings, Detour(asked.model))
    for _ in search.detour.rounds(ROUNDS):
        gateway, known = await _configured(gateway)
        version = known if reloads < RELOADS else NOT_TOLD
        with timings.step("auth"):
            decided = await _decide_on_the_way(gateway, headers, asked, route, search.detour)
        if decided is None:
            continue
        principal, call, quotes = decided
        plan = plan_of(gateway, principal, call, quotes, search.begin)
        lookup = lookup_of(call, principal, quotes[0].group, gateway.config)
        with timings.step("admit"):
            row = partial(_hit_row, gateway, principal, call, quotes, lookup, plan)
            hear = partial(unheard.hear, Asked(gateway, principal, call, plan))
            reply = await admit_unless_known(gateway, plan, version, lookup, row, hear)
        match reply:
            case Admitted():
                gateway.directory.confirm(principal, reply.at)
                gateway.exposure.redis_answered(reply.at)
                caching = caching_of(lookup, call, reply)
                if reply.is_hit and caching is None:
                    asked = _past_the_cache(gateway, asked)
                    continue
                told = call if caching is None else caching.asked
                return Running(
                    gateway, told, principal, plan, quotes, reply, timings, caching, search.begin
                )
            case Reconfigured():
                reloads += 1
                with timings.step("refresh"):
                    await _reload(gateway, version)
            case Stale() | Cold() | Seed() | Clock():
                with timings.step("refresh"):
                    await _put_right(gateway, call, plan, reply)
            case AllCool(ms) if await search.goes_on(gateway, call, plan, quotes, ms):
                continue
            case _:
                asked = _otherwise(gateway, asked, decided, plan, reply, search)
    raise StoreDown("The key's policies keep changing; try again in a few seconds.")


@dataclass(slots=True)
class _Search:
    """How far a call has come in looking for a deployment: the turn at which its plan begins."""

    timings: Timings
    detour: Detour
    begin: int = 0
    waits: list[int] = field(default_factory=list[int])
    has_rested: bool = False

    async def goes_on(
        self, gateway: Gateway, call: Call, plan: Plan, quotes: Sequence[Quote], back_in_ms: int
    ) -> bool:
        """Go on to the next model; after the last, rest until the first deployment is back."""
        self.waits.append(back_in_ms)
        later = next_model(plan, quotes, self.begin)
        if later is not None:
            self.begin = later
            return True
        rest = rest_until(gateway, call, min(self.waits))
        if self.has_rested or rest is None:
            return False
        with self.timings.step(PROVIDER):  # it is the providers' time
            await asyncio.sleep(rest)
        self.begin, self.waits, self.has_rested = 0, [], True
        return True


async def _decide(
    gateway: Gateway,
    headers: Mapping[str, str],
    asked: Call,
    route: str,
    *,
    trusts: tuple[bool, ...] = (False, True),
) -> tuple[Principal, Call, tuple[Quote, ...]] | None:
    """Say who calls, what, and where it could go; None when the configuration has just changed.

    A refusal by what this process remembers is not final: admit, which knows better, will not be
    asked. So Redis is, for the caller's policies and then for the configuration.
    """
    now = gateway.clock.now()
    presented = presented_key(headers, gateway.config.general.key_header_name)
    for is_fresh in trusts:
        try:
            principal = await identify(
                presented,
                gateway.directory,
                gateway.settings,
                now,
                named=_named(gateway, asked),
                fresh=is_fresh,
            )
        except NotAuthenticated:
            if await _is_reconfigured(gateway):
                return None
            raise
        wished = with_standing_wishes(principal, asked)
        if wished.tags != asked.tags:  # those tags bear the call too: know them first
            return await _decide(gateway, headers, wished, route, trusts=trusts)
        seen = gateway.seen_by(principal)
        principal = with_own_models(principal, seen.config.own_groups)
        try:
            call = follow(seen, principal, wished)
            return principal, call, choose(seen, principal, call, route)
        except Refused:
            if not is_fresh:
                continue
            if not await _is_reconfigured(gateway):
                raise
    return None


def _named(gateway: Gateway, call: Call) -> Named:
    return Named(call.end_user, call.tags, gateway.config.litellm.max_end_user_budget_id)


async def _decide_on_the_way(
    gateway: Gateway, headers: Mapping[str, str], asked: Call, route: str, detour: Detour
) -> tuple[Principal, Call, tuple[Quote, ...]] | None:
    """Do the same for a model that may not be the one that was asked for."""
    try:
        return await _decide(gateway, headers, asked, route)
    except Refused as error:
        raise detour.told(error) from error.__cause__


async def _is_reconfigured(gateway: Gateway) -> bool:
    """Ask for a newer configuration; say whether there was one."""
    return gateway.live is not None and await gateway.live.refresh()


async def _configured(gateway: Gateway) -> tuple[Gateway, str]:
    """Return the gateway as it is configured now, and the version that says so."""
    live = gateway.live
    if live is None:
        return gateway, NOT_TOLD
    await live.begin()
    return gateway.current(), live.told


async def _reload(gateway: Gateway, version: str) -> None:
    if gateway.live is not None:
        await gateway.live.reload(int(version.partition(" ")[0]))


def _otherwise(
    gateway: Gateway,
    asked: Call,
    decided: tuple[Principal, Call, tuple[Quote, ...]],
    plan: Plan,
    refused: Refusal,
    search: _Search,
) -> Call:
    """Return the call as there is room for it, where that is wanted; else refuse.

    Of another model that its key names, or with an answer that the budget bears.
    """
    principal, call, quotes = decided
    status, now = gateway.config.litellm.budget_exceeded_status_code, gateway.clock.now()
    error = refusal(refused, plan, principal, call, now, budget_status=status)
    model = search.detour.after(principal.key, call, plan, refused, error)
    if model is not None:
        search.begin = 0
        return replace(asked, model=model)
    if isinstance(refused, NoBudget):
        group = [quote for quote in quotes if quote.group == quotes[search.begin].group]
        shorter = clamped(asked, gateway.config, group, room_of(plan, refused))
        if shorter is not None:
            return shorter
    raise search.detour.told(error)


def _hit_row(
    gateway: Gateway,
    principal: Principal,
    call: Call,
    quotes: tuple[Quote, ...],
    lookup: Lookup | None,
    plan: Plan,
) -> str:
    """Write the row of a call that the cache answers: it costs nothing."""
    ending = Ending(
        status="success",
        at=gateway.clock.now(),
        deployment=quotes[0].deployment,
        is_cache_hit=True,
        cache_key=lookup.name if lookup else None,
    )
    return render_row(call, principal, since_of(plan.budgets), ending)


def _past_the_cache(gateway: Gateway, call: Call) -> Call:
    """Make the call anew: its hit is booked, but what was found cannot be read."""
    return replace(
        call, id=uuid7(gateway.clock.now()), cache=CacheControl(no_cache=True, use_cache=True)
    )


async def _put_right(
    gateway: Gateway, call: Call, plan: Plan, reply: Stale | Cold | Seed | Clock
) -> None:
    """Learn what admit knows better."""
    now = gateway.clock.now()

    async def reload() -> None:
        asking = _named(gateway, call).by(KeyHash(plan.policies[0].entity_id))
        await gateway.directory.reload(asking, now)

    match reply:
        case Stale(entries):
            gateway.directory.learn(
                (
                    parse((plan.policies[i].scope, plan.policies[i].entity_id), json)
                    for i, json in entries
                ),
                now,
            )
        case Cold():
            await reload()
        case Seed(missing):
            keys = tuple(plan.budgets[i].key for i in missing)
            is_made = await gateway.seeding.read(
                keys, lambda: make_counters(gateway.stores, plan, missing)
            )
            # The proxy's own budget hangs from no key: its counter waits for the next round.
            if not is_made and plan.policies:
                await reload()
        case Clock(redis_now):
            gateway.clock.correct(redis_now)
