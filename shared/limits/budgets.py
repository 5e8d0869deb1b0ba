"""Which budgets bear a call, in which period, up to which limit. Pure; time is passed in.

    key · user · team · member · end user · organization · tags
        its own budget       max_budget and its period, else those of its linked budget row
        its windows          budget_limits: so much an hour, so much a day
        its budgets of models   model_max_budget
    the proxy                   litellm_settings.max_budget

Who has no limit is charged all the same: tomorrow it may have one. Windows and budgets of models
follow the calendar alone, so they need no row that says when they began.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from shared.domain import Millis, Nanodollars, Scope
from shared.errors import BadRequest
from shared.limits.models import exact_names, model_budget, money
from shared.limits.periods import Period, first_reset, period
from shared.storage.plans import Bearer, BudgetLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.domain import Json, JsonObject, Policy, Principal
    from shared.limits.models import ModelNames

PROXY: Final = "proxy"

_REFUSES_AT_LIMIT: Final = frozenset({Scope.KEY, Scope.USER, Scope.ORG, Scope.TEAM_MEMBER})
"""LiteLLM refuses these at their own budget, the others only over it; every entity at its windows
and its budgets of models (1.109.1: auth_checks.py, model_max_budget_limiter.py)."""

# Whose own budget refuses first, then by what kind: LiteLLM's order of checks.
_OWN_ORDER: Final = {
    Scope.TEAM_MEMBER: 0,
    Scope.KEY: 1,
    Scope.TEAM: 4,
    Scope.ORG: 6,
    Scope.TAG: 7,
    Scope.USER: 8,
    Scope.END_USER: 9,
    Scope.PROXY: 10,
}
_MODEL_ORDER: Final = {Scope.KEY: 2, Scope.USER: 3}
_WINDOWS_LAST: Final = 5
_MODELS_LAST: Final = 11


@dataclass(frozen=True, slots=True)
class Calendar:
    """Where and when budget periods begin: `litellm_settings.timezone` and `budget_reset_time`."""

    timezone: str = "UTC"
    reset_time: str = "00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRules:
    """What the configuration says about budgets."""

    calendar: Calendar = Calendar()
    users_pay_for_team_keys: bool = False
    proxy_budget: Nanodollars | None = None
    proxy_duration: str | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """A line of the plan, and until when it stays true (None: for ever)."""

    line: BudgetLine
    until: Millis | None


def budgets_of(
    principal: Principal, models: ModelNames, now: Millis, rules: BudgetRules, *, is_free: bool
) -> list[Budget]:
    """Return every budget that bears a call, in the order in which they refuse.

    A free call is borne by all and refused by none.
    """
    found = list(_proxy(principal, now, rules))
    if not principal.is_master:
        for policy in principal.policies:
            found.append(_own(principal, policy, now, rules))
            if not _is_pardoned(principal, policy, rules):
                found += _windows(policy, now, rules.calendar)
            if (budget := _window_of_key(principal, policy, now, rules.calendar)) is not None:
                found.append(budget)
            # A user's budgets of models cap its team keys too (LiteLLM): another key is no way out.
            found += _of_model(principal, policy, models, now, rules.calendar)
    found.sort(key=lambda budget: _order(budget.line.bearer))
    return [_unlimited(budget) for budget in found] if is_free else found


def is_of_model(line: BudgetLine) -> bool:
    """Tell whether it bears the calls of one model only."""
    return "/" in line.bearer.window


def since_of(lines: Sequence[BudgetLine]) -> JsonObject:
    """Write for the ledger row in which period each of them bears the call."""
    since: JsonObject = {}
    tags: JsonObject = {}
    windows: list[Json] = []
    for line in lines:
        bearer = line.bearer
        if not bearer.is_own:
            windows.append([bearer.scope.value, bearer.entity_id, bearer.window, line.since])
        elif bearer.scope is Scope.TAG:
            tags[bearer.entity_id] = line.since
        else:
            since[bearer.scope.value] = line.since
    if tags:
        since[Scope.TAG.value] = tags
    if windows:
        since["windows"] = windows
    return since


def own_period(policy: Policy, budget: Policy | None, now: Millis, calendar: Calendar) -> Period:
    """Return the period of an entity's own budget; that of its budget row when it has no duration.

    What is linked to a budget row begins with it, or later when it was made, or its spend set,
    later: so a reset of the budget row resets them all, whatever their rows say as yet.
    """
    if policy.budget_duration is not None or budget is None or budget.budget_duration is None:
        return _period(policy, now, calendar)
    shared = _period(budget, now, calendar)
    return Period(Millis(max(policy.budget_started_at, shared.since)), shared.until)


def _own(principal: Principal, policy: Policy, now: Millis, rules: BudgetRules) -> Budget:
    budget = principal.budget_of(policy)
    its = own_period(policy, principal.clock_of(policy), now, rules.calendar)
    limit, until = policy.max_budget, its.until
    if limit is None and budget is not None and not _is_window(principal, policy, budget):
        limit = budget.max_budget
    if limit is not None and (more := _temporary(policy, now)) is not None:
        limit = Nanodollars(limit + more[0])
        until = more[1] if until is None else Millis(min(until, more[1]))
    if _is_pardoned(principal, policy, rules):
        limit = None
    opening = policy.budget_opening if its.since == policy.budget_started_at else Nanodollars(0)
    bearer = Bearer(policy.scope, policy.entity_id)
    at_limit = policy.scope in _REFUSES_AT_LIMIT
    return Budget(BudgetLine(bearer.budget_key, its.since, opening, limit, at_limit, bearer), until)


def _windows(policy: Policy, now: Millis, calendar: Calendar) -> Iterator[Budget]:
    for entry in policy.budget_limits:
        if not isinstance(entry, dict):
            continue
        limit, duration = money(entry.get("max_budget")), entry.get("budget_duration")
        if limit is not None and isinstance(duration, str):
            bearer = Bearer(policy.scope, policy.entity_id, duration)
            yield _by_calendar(bearer, limit, duration, now, calendar, at_limit=True)


def _is_window(principal: Principal, policy: Policy, budget: Policy) -> bool:
    """Say whether a budget has a span of its own beside the period of whom it limits."""
    return budget.budget_duration is not None and principal.has_budget_of_key(policy)


def _window_of_key(
    principal: Principal, policy: Policy, now: Millis, calendar: Calendar
) -> Budget | None:
    """Return what a key lets each end user spend in a span of time: two keys, two spans."""
    budget = principal.budget_of(policy)
    if budget is None or budget.max_budget is None or not _is_window(principal, policy, budget):
        return None
    duration = budget.budget_duration
    bearer = Bearer(policy.scope, policy.entity_id, duration or "-")
    return _by_calendar(bearer, budget.max_budget, duration, now, calendar)


def _of_model(
    principal: Principal, policy: Policy, models: ModelNames, now: Millis, calendar: Calendar
) -> Iterator[Budget]:
    budgets = _model_budgets(principal, policy)
    if policy.scope is Scope.TEAM:
        budgets = _unless_replaced(budgets, _model_budgets(principal, principal.key), models)
    if (found := model_budget(budgets, models)) is not None:
        window = f"{found.duration or '-'}/{found.name}"
        bearer = Bearer(policy.scope, policy.entity_id, window)
        yield _by_calendar(bearer, found.limit, found.duration, now, calendar, at_limit=True)


def _model_budgets(principal: Principal, policy: Policy) -> Mapping[str, Json]:
    budget = principal.budget_of(policy)
    return policy.model_max_budget or (budget.model_max_budget if budget else {})


def _unless_replaced(
    of_team: Mapping[str, Json], of_key: Mapping[str, Json], models: ModelNames
) -> Mapping[str, Json]:
    """Leave out the team's budget of the very model that the key has one for (LiteLLM)."""
    exact = exact_names(models.names)
    own = {name: of_key[name] for name in exact if name in of_key}
    if model_budget(own, models) is None:
        return of_team
    return {name: amount for name, amount in of_team.items() if name not in exact}


def _proxy(principal: Principal, now: Millis, rules: BudgetRules) -> Iterator[Budget]:
    if not rules.proxy_budget:
        return  # LiteLLM's default is 0.0, which means none
    bearer = Bearer(Scope.PROXY, PROXY, rules.proxy_duration or "-")
    # An administrator must be able to look into it.
    limit = None if principal.is_master else rules.proxy_budget
    yield _by_calendar(bearer, limit, rules.proxy_duration, now, rules.calendar)


def _by_calendar(
    bearer: Bearer,
    limit: Nanodollars | None,
    duration: str | None,
    now: Millis,
    calendar: Calendar,
    *,
    at_limit: bool = False,
) -> Budget:
    its = calendar_period(duration, now, calendar)
    line = BudgetLine(bearer.budget_key, its.since, Nanodollars(0), limit, at_limit, bearer)
    return Budget(line, its.until)


def calendar_period(duration: str | None, now: Millis, calendar: Calendar) -> Period:
    """Return the period that `now` lies in by the calendar alone, counted from 1970."""
    if duration is None:
        return Period(Millis(0), None)
    try:
        first = _first_reset(duration, calendar.timezone, calendar.reset_time)
        return period(
            duration,
            Millis(0),
            first,
            now,
            timezone=calendar.timezone,
            reset_time=calendar.reset_time,
        )
    except BadRequest:
        # Written past the API. A budget that never resets is the safe reading of it.
        return Period(Millis(0), None)


@lru_cache(maxsize=1024)
def _first_reset(duration: str, timezone: str, reset_time: str) -> Millis:
    return first_reset(duration, Millis(0), timezone=timezone, reset_time=reset_time)


def _period(policy: Policy, now: Millis, calendar: Calendar) -> Period:
    try:
        return period(
            policy.budget_duration,
            policy.budget_started_at,
            policy.budget_reset_at,
            now,
            timezone=calendar.timezone,
            reset_time=calendar.reset_time,
        )
    except BadRequest:
        return Period(policy.budget_started_at, None)


def _temporary(policy: Policy, now: Millis) -> tuple[Nanodollars, Millis] | None:
    """Return by how much a key's budget is raised, and until when."""
    if policy.scope is not Scope.KEY or "temp_budget_increase" not in policy.metadata:
        return None
    more = money(policy.metadata["temp_budget_increase"])
    until = policy.metadata.get("temp_budget_expiry")
    if more is None or not isinstance(until, str):
        return None
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        return None
    at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    expiry = Millis(int(at * 1000))
    return (more, expiry) if expiry > now else None


def _is_pardoned(principal: Principal, policy: Policy, rules: BudgetRules) -> bool:
    """Say whether the policy is that of a user whose key spends a team's budget instead."""
    return (
        policy.scope is Scope.USER
        and principal.team is not None
        and not rules.users_pay_for_team_keys
    )


def _order(bearer: Bearer) -> int:
    if bearer.is_own or bearer.scope is Scope.PROXY:
        return _OWN_ORDER[bearer.scope]
    if "/" in bearer.window:
        return _MODEL_ORDER.get(bearer.scope, _MODELS_LAST)
    return _WINDOWS_LAST


def _unlimited(budget: Budget) -> Budget:
    line = budget.line
    bare = BudgetLine(line.key, line.since, line.opening, None, line.refuses_at_limit, line.bearer)
    return Budget(bare, budget.until)
