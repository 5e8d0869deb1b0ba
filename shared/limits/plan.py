"""What one call must find room in, and for how long that stays true. Pure; time is passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import Millis, Nanodollars, Scope
from shared.limits.periods import period
from shared.limits.places import candidate_line
from shared.limits.windows import MINUTE_MS, minute_start, window_key
from shared.storage.plans import BudgetLine, LeaseLine, Lost, Plan, RateLine
from shared.storage.policies import encode_id

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain import Policy, Principal
    from shared.limits.periods import Period
    from shared.limits.places import Candidate

REFUSES_AT_LIMIT = frozenset({Scope.KEY, Scope.USER})
"""LiteLLM refuses a key or user at its budget, a team only over it."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Where and when budget periods begin: `litellm_settings.timezone` and `budget_reset_time`."""

    timezone: str = "UTC"
    reset_time: str = "00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What a call asks room for: candidates in the order to try them, `tokens` for tpm limits."""

    request_id: str
    candidates: Sequence[Candidate]
    tokens: int
    is_free: bool
    """Whether the model costs nothing: then no budget refuses (LiteLLM)."""


def periods_of(principal: Principal, now: Millis, calendar: Calendar) -> dict[Scope, Period]:
    """Return the budget period that `now` lies in for each policy; the master key has none."""
    policies = () if principal.is_master else principal.policies
    return {policy.scope: budget_period(policy, now, calendar) for policy in policies}


def make_plan(
    principal: Principal, ask: Ask, lost: Lost, now: Millis, period_by_scope: Mapping[Scope, Period]
) -> Plan:
    """Lay out every limit and budget of the principal that applies to the call."""
    policies = () if principal.is_master else principal.policies
    periods = [period_by_scope[policy.scope] for policy in policies]
    minute = minute_start(now)
    ends = [minute + MINUTE_MS, *(p.until for p in periods if p.until is not None)]
    return Plan(
        request_id=ask.request_id,
        valid_from=Millis(max([minute, *(p.since for p in periods if p.since <= now)])),
        valid_until=Millis(min(ends)),
        policies=policies,
        budgets=tuple(
            _budget_line(policy, its, is_free=ask.is_free)
            for policy, its in zip(policies, periods, strict=True)
        ),
        rates=tuple(
            _rate_line(policy, now)
            for policy in policies
            if policy.rpm_limit is not None or policy.tpm_limit is not None
        ),
        leases=tuple(
            LeaseLine(
                key=f"parallel:{policy.scope}:{encode_id(policy.entity_id)}",
                limit=policy.max_parallel_requests,
            )
            for policy in policies
            if policy.max_parallel_requests is not None
        ),
        candidates=tuple(candidate_line(candidate, now) for candidate in ask.candidates),
        tokens=ask.tokens,
        lost=lost,
    )


def budget_period(policy: Policy, now: Millis, calendar: Calendar) -> Period:
    """Return the budget period of a policy that `now` lies in."""
    return period(
        policy.budget_duration,
        policy.budget_started_at,
        policy.budget_reset_at,
        now,
        timezone=calendar.timezone,
        reset_time=calendar.reset_time,
    )


def budget_key(policy: Policy) -> str:
    """Name the counter of an entity's own budget: `budget:{scope}:{entity_id}:-`."""
    return f"budget:{policy.scope}:{encode_id(policy.entity_id)}:-"


def _budget_line(policy: Policy, its: Period, *, is_free: bool) -> BudgetLine:
    opening = policy.budget_opening if its.since == policy.budget_started_at else Nanodollars(0)
    return BudgetLine(
        key=budget_key(policy),
        since=its.since,
        opening=opening,
        limit=None if is_free else policy.max_budget,
        refuses_at_limit=policy.scope in REFUSES_AT_LIMIT,
    )


def _rate_line(policy: Policy, now: Millis) -> RateLine:
    entity = encode_id(policy.entity_id)
    return RateLine(
        current_key=window_key(policy.scope, entity, now),
        previous_key=window_key(policy.scope, entity, Millis(now - MINUTE_MS)),
        rpm=policy.rpm_limit,
        tpm=policy.tpm_limit,
    )
