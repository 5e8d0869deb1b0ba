"""The sentence each refusal of admit is told in: LiteLLM's, word for word where tools read it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, assert_never

from shared.domain import NANODOLLARS_PER_DOLLAR, Key, Scope
from shared.errors import AllCooling, OverBudget, OverLimit, Refused
from shared.storage.admission import AllCool, NoBudget, NoLease, NoRate

if TYPE_CHECKING:
    from shared.domain import Millis, Nanodollars, Policy, Principal
    from shared.storage.plans import Plan

Refusal = NoBudget | NoRate | NoLease | AllCool

_SCOPE_NAMES = {Scope.KEY: "api_key", Scope.USER: "user", Scope.TEAM: "team"}


def refusal(reply: Refusal, plan: Plan, model: str, now: Millis, *, budget_status: int) -> Refused:
    """Turn a refusal of admit into the error its caller sees."""
    match reply:
        case NoBudget(index, spent, _):
            message = _over_budget(plan.policies[index], spent)
            return OverBudget(message, status=budget_status)
        case NoRate(index, kind, _, seconds):
            policy = [p for p in plan.policies if _has_rate(p)][index]
            limit = policy.rpm_limit if kind == "requests" else policy.tpm_limit
            return _over_limit(policy, kind, limit or 0, seconds, now)
        case NoLease(index, _):
            policy = [p for p in plan.policies if p.max_parallel_requests is not None][index]
            limit = policy.max_parallel_requests or 0
            return _over_limit(policy, "max_parallel_requests", limit, 1, now)
        case AllCool(ms):
            seconds = max(1, -(-ms // 1000))
            return AllCooling(
                f"No deployments available for selected model, Try again in {seconds} seconds. "
                f"Passed model={model}.",
                retry_after=seconds,
            )
        case _:
            assert_never(reply)


def scope_name(scope: Scope) -> str:
    """Return LiteLLM's word for a scope in limit messages and `x-ratelimit-*` headers."""
    return _SCOPE_NAMES[scope]


def dollars(amount: Nanodollars) -> str:
    """Write money as dollars, exactly, without trailing zeros."""
    whole, rest = divmod(abs(amount), NANODOLLARS_PER_DOLLAR)
    text = f"{whole}.{rest:09d}".rstrip("0")
    return ("-" if amount < 0 else "") + (f"{text}0" if text.endswith(".") else text)


def _has_rate(policy: Policy) -> bool:
    return policy.rpm_limit is not None or policy.tpm_limit is not None


def _over_budget(policy: Policy, spent: Nanodollars) -> str:
    budget = dollars(spent if policy.max_budget is None else policy.max_budget)
    cost = dollars(spent)
    match policy.scope:
        case Scope.KEY:
            name = _name_of_key(policy)
            return (
                f"Budget has been exceeded! Key={name} Current cost: {cost}, Max budget: {budget}"
            )
        case Scope.USER:
            return (
                f"ExceededBudget: User={policy.entity_id} over budget. "
                f"Spend={cost}, Budget={budget}"
            )
        case Scope.TEAM:
            return (
                f"Budget has been exceeded! Team={policy.entity_id} "
                f"Current cost: {cost}, Max budget: {budget}"
            )
        case _:
            assert_never(policy.scope)


def _name_of_key(policy: Policy) -> str:
    if not isinstance(policy, Key):
        return policy.entity_id
    return f"{policy.key_alias or 'None'} ({policy.key_name or policy.entity_id[:8]})"


def _over_limit(policy: Policy, kind: str, limit: int, seconds: int, now: Millis) -> OverLimit:
    reset_at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now / 1000 + seconds))
    return OverLimit(
        f"Rate limit exceeded for {scope_name(policy.scope)}: {policy.entity_id}. "
        f"Limit type: {kind}. Current limit: {limit}, Remaining: 0. "
        f"Limit resets at: {reset_at}",
        limit_type=kind,
        retry_after=seconds,
        reset_at=reset_at,
    )


def headroom(principal: Principal, used: tuple[tuple[int, int], ...]) -> dict[str, str]:
    """Write `x-ratelimit-{scope}-…` headers from what admit counted for each rate line."""
    headers: dict[str, str] = {}
    rated = [p for p in principal.policies if _has_rate(p)]
    for policy, (requests, tokens) in zip(rated, used, strict=False):
        name = scope_name(policy.scope)
        for kind, limit, taken in (
            ("requests", policy.rpm_limit, requests),
            ("tokens", policy.tpm_limit, tokens),
        ):
            if limit is not None:
                headers[f"x-ratelimit-{name}-limit-{kind}"] = str(limit)
                headers[f"x-ratelimit-{name}-remaining-{kind}"] = str(max(0, limit - taken))
    return headers
