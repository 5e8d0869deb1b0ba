"""Which rates and parallel requests a call must find room in. Pure; time is passed in.

Each entity's own limits, else those of the budget row it is linked to; those of keys and teams for
single models beside them. A minute, an hour and a day are counted apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.domain import RateLimits, Scope, pair_id
from shared.limits.models import is_limit, model_rates
from shared.limits.windows import DAY, HOUR, MINUTE
from shared.storage.plans import Bearer, LeaseLine, RateLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.domain import Key, Millis, Policy, Principal
    from shared.limits.models import ModelNames
    from shared.storage.plans import Counted

_OF_MODEL: Final = {Scope.KEY: Scope.KEY_MODEL, Scope.TEAM: Scope.TEAM_MODEL}

_ORDER: Final = (
    *(Scope.KEY, Scope.USER, Scope.TEAM, Scope.TEAM_MEMBER, Scope.END_USER),
    *(Scope.KEY_MODEL, Scope.KEY_TAG, Scope.ORG, Scope.TEAM_MODEL, Scope.TAG),
)
"""Whose limit refuses first (LiteLLM)."""


def rate_lines(
    principal: Principal,
    models: ModelNames,
    tags: Sequence[str],
    now: Millis,
    counted: Counted,
) -> tuple[RateLine, ...]:
    """Return every rate that counts a call of the model under these tags."""
    if principal.is_master:
        return ()
    limits = [
        *(each for policy in principal.policies for each in _limits(principal, policy, models)),
        *_of_tags(principal.key, tags),
    ]
    found = [line for bearer, most in limits for line in _lines(bearer, most, now, counted)]
    return tuple(sorted(found, key=lambda line: _ORDER.index(line.bearer.scope)))


def lease_lines(principal: Principal) -> tuple[LeaseLine, ...]:
    """Return every limit of parallel requests."""
    if principal.is_master:
        return ()
    lines: list[LeaseLine] = []
    for policy in principal.policies:
        most, budget = policy.max_parallel_requests, principal.budget_of(policy)
        if most is None and budget is not None:
            most = budget.max_parallel_requests
        if most is not None:
            bearer = Bearer(policy.scope, policy.entity_id)
            lines.append(LeaseLine(bearer.lease_key, most, bearer))
    return tuple(lines)


def limits_of(principal: Principal, policy: Policy) -> RateLimits:
    """Return an entity's rates."""
    budget = principal.budget_of(policy)
    return policy.rates if budget is None else policy.rates | budget.rates


def _limits(
    principal: Principal, policy: Policy, models: ModelNames
) -> Iterator[tuple[Bearer, RateLimits]]:
    yield Bearer(policy.scope, policy.entity_id), limits_of(principal, policy)
    if (scope := _OF_MODEL.get(policy.scope)) is None:
        return
    budget = principal.budget_of(policy)
    budgets = policy.model_max_budget or (budget.model_max_budget if budget else {})
    if (found := model_rates(budgets, policy.metadata, models)) is not None:
        name, limits = found
        yield Bearer(scope, pair_id(policy.entity_id, name)), limits


def _of_tags(key: Key, tags: Sequence[str]) -> Iterator[tuple[Bearer, RateLimits]]:
    """Yield what a key may ask a minute under each tag (`tag_rpm_limit` in its metadata)."""
    limits = key.metadata.get("tag_rpm_limit")
    if not isinstance(limits, dict):
        return
    for tag in dict.fromkeys(tags):
        if is_limit(limit := limits.get(tag)):
            yield Bearer(Scope.KEY_TAG, pair_id(key.entity_id, tag)), RateLimits(rpm=limit)


def is_of_model(line: RateLine) -> bool:
    """Tell whether it counts the calls of one model only."""
    return line.bearer.scope in _OF_MODEL.values()


def _lines(bearer: Bearer, limits: RateLimits, now: Millis, counted: Counted) -> Iterator[RateLine]:
    for window, requests, tokens in (
        (MINUTE, limits.rpm, limits.tpm),
        (HOUR, limits.rph, limits.tph),
        (DAY, limits.rpd, limits.tpd),
    ):
        if requests is not None or tokens is not None:
            yield RateLine(
                current_key=window.key(bearer.scope, bearer.entity_id, now),
                previous_key=window.key(bearer.scope, bearer.entity_id, now - window.length_ms),
                requests=requests,
                tokens=tokens,
                step_ms=window.step_ms,
                prefix=window.prefix,
                counted=counted,
                bearer=bearer,
            )
