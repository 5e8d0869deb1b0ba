"""Lay out what a call must find room in; and what changes when another model takes it.

Budgets and rates of single models hold for the model that is asked. Where a stand-in's differ,
admit is offered one model at a time, and attempt puts the one's limits in the place of the other's.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING

from shared.auth.authorize import resolve_alias
from shared.domain import Usage
from shared.limits.budgets import is_of_model, since_of
from shared.limits.models import ModelNames
from shared.limits.plan import Ask, make_plan, model_limits
from shared.spend.row import Ending, render_row
from shared.spend.tokens import estimate
from shared.storage.plans import Lost, Plan, Switch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Call, Millis, Principal
    from shared.gateway.gateway import Gateway
    from shared.gateway.quotes import Quote
    from shared.gateway.running import Running
    from shared.limits.plan import ModelLimits


def plan_of(
    gateway: Gateway, principal: Principal, call: Call, quotes: Sequence[Quote], begin: int = 0
) -> Plan:
    """Plan a call that begins at one of its turns: the first of a model."""
    now = gateway.clock.now()
    tokens = estimate(call)
    group = quotes[begin].group
    end = begin + len(_alike(gateway, principal, call, quotes, begin))
    return make_plan(
        principal,
        Ask(
            request_id=call.id,
            models=_names(principal, call, quotes, group),
            candidates=[quote.candidate for quote in quotes[begin:end]],
            tokens=tokens,
            tags=call.tags,
            is_free=_is_free(quotes),
        ),
        lambda since: Lost(
            render_row(call, principal, since, _lost(quotes[begin], tokens, now)), tokens, 0
        ),
        now,
        gateway.rules,
    )


def next_model(plan: Plan, quotes: Sequence[Quote], begin: int) -> int | None:
    """Return the turn at which the next model begins, after those that the plan offers."""
    later = begin + len(plan.candidates)
    return later if later < len(quotes) and "any" in quotes[later].helps else None


def by_limits(running: Running, turns: Sequence[int]) -> list[list[int]]:
    """Divide turns, in their order, where the limits of their models differ."""
    parts: list[list[int]] = []
    for turn in turns:
        if parts and _limits(running, parts[-1][0]) == _limits(running, turn):
            parts[-1].append(turn)
        else:
            parts.append([turn])
    return parts


def switch_to(running: Running, turn: int) -> Switch | None:
    """Say what changes when the call turns to another model; None where nothing does."""
    if running.quotes[turn].group == running.quote.group:
        return None
    new = _limits(running, turn)
    left = tuple(i for i, line in enumerate(running.plan.budgets) if is_of_model(line))
    standing = tuple(running.plan.budgets[i] for i in left)
    known = {line.current_key for line in running.plan.rates}
    rates = tuple(line for line in new.rates if line.current_key not in known)
    if standing == new.budgets and not rates:
        return None
    lines = [line for i, line in enumerate(running.plan.budgets) if i not in left]
    since = since_of([*lines, *new.budgets])
    ending = _lost(running.quotes[turn], running.plan.tokens, running.gateway.clock.now())
    row = render_row(running.call, running.principal, since, ending)
    return Switch(new.budgets, rates, left, row)


def _alike(
    gateway: Gateway, principal: Principal, call: Call, quotes: Sequence[Quote], begin: int
) -> list[Quote]:
    """List the turns from one on that admit may choose among: the same limits hold for all."""
    group = quotes[begin].group
    alike = [quote for quote in quotes[begin:] if "any" in quote.helps]
    others = dict.fromkeys(quote.group for quote in alike if quote.group != group)
    for other in others:
        limits = [_limits_of(gateway, principal, call, quotes, name) for name in (group, other)]
        if limits[0] != limits[1]:
            return list(takewhile(lambda quote, other=other: quote.group != other, alike))
    return alike


def _limits(running: Running, turn: int) -> ModelLimits:
    group = running.quotes[turn].group
    return _limits_of(running.gateway, running.principal, running.call, running.quotes, group)


def _limits_of(
    gateway: Gateway, principal: Principal, call: Call, quotes: Sequence[Quote], group: str
) -> ModelLimits:
    return model_limits(
        principal,
        _names(principal, call, quotes, group),
        gateway.clock.now(),
        gateway.rules,
        is_free=_is_free(quotes),
    )


def _is_free(quotes: Sequence[Quote]) -> bool:
    return all(quote.is_free for quote in quotes)


def _names(principal: Principal, call: Call, quotes: Sequence[Quote], group: str) -> ModelNames:
    """Name a model as the caller does, and as it is called behind its alias."""
    is_asked_for = group == quotes[0].group
    names = (call.model, resolve_alias(principal, call.model)) if is_asked_for else (group,)
    found = [quote.deployment for quote in quotes if quote.group == group]
    groups = frozenset(name for deployment in found for name in deployment.access_groups)
    return ModelNames(tuple(dict.fromkeys(names)), groups)


def _lost(quote: Quote, tokens: int, now: Millis) -> Ending:
    usage = Usage(prompt_tokens=tokens, is_estimated=True)
    return Ending(status="lost", at=now, deployment=quote.deployment, usage=usage)
