"""The sentence each refusal of admit is told in: LiteLLM's, word for word where tools read it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, assert_never

from shared.domain import NANODOLLARS_PER_DOLLAR, Key, Nanodollars, Scope, Team
from shared.errors import AllCooling, OverBudget, OverLimit, Refused
from shared.limits.models import exact_names
from shared.limits.windows import DAY, HOUR, MINUTE
from shared.storage.admission import AllCool, NoBudget, NoLease, NoRate

if TYPE_CHECKING:
    from shared.domain import Call, Millis, Policy, Principal
    from shared.storage.plans import Bearer, BudgetLine, Plan, RateLine

Refusal = NoBudget | NoRate | NoLease | AllCool

SECONDS_WORTH_A_RETRY: Final = 60
"""SDKs try again within seconds whatever `retry-after` says, when it says more than a minute."""

_SCOPE_NAMES: Final = {
    Scope.KEY: "api_key",
    Scope.KEY_MODEL: "model_per_key",
    Scope.TEAM_MODEL: "model_per_team",
    Scope.KEY_TAG: "tag_per_key",
    Scope.ORG: "organization",
}
_WINDOW_NAMES: Final = {MINUTE.step_ms: "", HOUR.step_ms: "_per_hour", DAY.step_ms: "_per_day"}


def refusal(
    reply: Refusal,
    plan: Plan,
    principal: Principal,
    call: Call,
    now: Millis,
    *,
    budget_status: int,
) -> Refused:
    """Turn a refusal of admit into the error its caller sees."""
    match reply:
        case NoBudget(index, spent, _):
            message = _over_budget(plan.budgets[index], principal, spent, call.model)
            return OverBudget(message, status=budget_status)
        case NoRate(index, kind, _, seconds):
            line = plan.rates[index]
            limit = (line.requests if kind == "requests" else line.tokens) or 0
            asked = 1 if kind == "requests" else plan.tokens
            words = f"{kind}{_WINDOW_NAMES[line.step_ms]}"
            is_hopeless = asked > limit or seconds > SECONDS_WORTH_A_RETRY
            return _over_limit(line.bearer, words, limit, seconds, now, is_hopeless=is_hopeless)
        case NoLease(index, _):
            line = plan.leases[index]
            kind = "max_parallel_requests"
            is_hopeless = line.limit == 0
            return _over_limit(line.bearer, kind, line.limit, 1, now, is_hopeless=is_hopeless)
        case AllCool(ms):
            seconds = max(1, -(-ms // 1000))
            return AllCooling(
                f"No deployments available for selected model, Try again in {seconds} seconds. "
                f"Passed model={call.model}.",
                retry_after=seconds,
            )
        case _:
            assert_never(reply)


def scope_name(scope: Scope) -> str:
    """Return LiteLLM's word for a scope in limit messages and `x-ratelimit-*` headers."""
    return _SCOPE_NAMES.get(scope, scope.value)


def dollars(amount: Nanodollars) -> str:
    """Write money as dollars, exactly, without trailing zeros."""
    whole, rest = divmod(abs(amount), NANODOLLARS_PER_DOLLAR)
    text = f"{whole}.{rest:09d}".rstrip("0")
    return ("-" if amount < 0 else "") + (f"{text}0" if text.endswith(".") else text)


def headroom(rates: tuple[RateLine, ...], used: tuple[tuple[int, int], ...]) -> dict[str, str]:
    """Write `x-ratelimit-{scope}-…` headers from what admit counted for each rate line.

    Of several tags the one with the least room speaks for all.
    """
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for line, (requests, tokens) in zip(rates, used, strict=False):
        name = f"x-ratelimit-{scope_name(line.bearer.scope)}"
        for kind, limit, taken in (
            ("requests", line.requests, requests),
            ("tokens", line.tokens, tokens),
        ):
            if limit is not None:
                place = (name, f"{kind}{_WINDOW_NAMES[line.step_ms].replace('_', '-')}")
                room = (max(0, limit - taken), limit)
                found[place] = min(found.get(place, room), room)
    headers: dict[str, str] = {}
    for (name, kind), (remaining, limit) in found.items():
        headers[f"{name}-limit-{kind}"] = str(limit)
        headers[f"{name}-remaining-{kind}"] = str(remaining)
    return headers


def _over_budget(line: BudgetLine, principal: Principal, spent: Nanodollars, model: str) -> str:
    bearer = line.bearer
    policy = _policy(principal, bearer)
    cost, limit = dollars(spent), dollars(Nanodollars(line.limit or 0))
    if bearer.scope is not Scope.PROXY and not bearer.is_own:
        if "/" in bearer.window:
            name = bearer.window.partition("/")[2]
            which = "" if name in exact_names([model]) else f", budget_model={name}"
            return f"{_named(bearer, policy)}, exceeded budget for model={model}{which}"
        return (
            f"ExceededBudget: {_SCOPE_TITLES[bearer.scope]} over {bearer.window} budget. "
            f"Spend=${cost}, Limit=${limit}"
        )
    amounts = f"Current cost: {cost}, Max budget: {limit}"
    match bearer.scope:
        case Scope.USER | Scope.END_USER:
            title = _SCOPE_TITLES[bearer.scope]
            return (
                f"ExceededBudget: {title}={bearer.entity_id} over budget. "
                f"Spend={cost}, Budget={limit}"
            )
        case Scope.PROXY:
            return f"Budget has been exceeded! {amounts}"
        case Scope.KEY:
            return f"Budget has been exceeded! Key={_name_of_key(policy)} {amounts}"
        case Scope.TEAM_MEMBER:
            key = principal.key
            return f"Budget has been exceeded! User={key.user_id} in Team={key.team_id} {amounts}"
        case scope:
            return f"Budget has been exceeded! {_SCOPE_TITLES[scope]}={bearer.entity_id} {amounts}"


_SCOPE_TITLES: Final = {
    Scope.KEY: "Key",
    Scope.USER: "User",
    Scope.TEAM: "Team",
    Scope.TEAM_MEMBER: "Team Member",
    Scope.ORG: "Organization",
    Scope.END_USER: "End User",
    Scope.TAG: "Tag",
}


def _named(bearer: Bearer, policy: Policy | None) -> str:
    """Say whose model budget it is."""
    match policy:
        case Key():
            return f"LiteLLM Virtual Key: {policy.entity_id}, key_alias: {policy.key_alias}"
        case Team():
            return f"LiteLLM Team: {policy.entity_id}, team_alias: {policy.team_alias}"
        case _:
            return f"LiteLLM {_SCOPE_TITLES[bearer.scope]}: {bearer.entity_id}"


def _policy(principal: Principal, bearer: Bearer) -> Policy | None:
    for policy in principal.policies:
        if (policy.scope, policy.entity_id) == (bearer.scope, bearer.entity_id):
            return policy
    return None


def _name_of_key(policy: Policy | None) -> str:
    if not isinstance(policy, Key):
        return "None"
    return f"{policy.key_alias or 'None'} ({policy.key_name or policy.entity_id[:8]})"


def _name(bearer: Bearer) -> str:
    """Write two ids as LiteLLM does, `team:user`."""
    pairs = (Scope.TEAM_MEMBER, Scope.KEY_MODEL, Scope.TEAM_MODEL, Scope.KEY_TAG)
    is_pair = bearer.scope in pairs
    return bearer.entity_id.replace("/", ":", 1) if is_pair else bearer.entity_id


def _over_limit(
    bearer: Bearer, kind: str, limit: int, seconds: int, now: Millis, *, is_hopeless: bool
) -> OverLimit:
    reset_at = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now / 1000 + seconds))
    return OverLimit(
        f"Rate limit exceeded for {scope_name(bearer.scope)}: {_name(bearer)}. "
        f"Limit type: {kind}. Current limit: {limit}, Remaining: 0. "
        f"Limit resets at: {reset_at}",
        limit_type=kind,
        retry_after=seconds,
        reset_at=reset_at,
        is_hopeless=is_hopeless,
    )
