"""What there is to tell about a budget, in LiteLLM's webhook shape. Pure; time is passed in.

budget_crossed              all of it is spent
threshold_crossed           15, then 5 percent of it are left
projected_limit_exceeded    at this pace it is spent before its period ends
soft_budget_crossed         the soft budget is spent; nothing is refused
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from shared.domain import NANODOLLARS_PER_DOLLAR, Nanodollars, Scope
from shared.storage.budget_alerts import NewAlert

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.domain import JsonObject, Millis
    from shared.storage.budget_alerts import SpentBudget

LEAST_SHARE_OF_PERIOD: Final = 10
"""A pace is told by a tenth of the period at least: the first call would project anything."""

_GROUPS: Final = {Scope.ORG: "organization"}
"""Whom it is about, where LiteLLM's word (its enum of entities, 1.109.1) is not ours."""

_THRESHOLDS: Final = ((95, "5%"), (85, "15%"))
_NAMES: Final = {
    Scope.KEY: "Key",
    Scope.USER: "User",
    Scope.TEAM: "Team",
    Scope.TEAM_MEMBER: "Team member",
    Scope.ORG: "Organization",
    Scope.END_USER: "Customer",
    Scope.TAG: "Tag",
    Scope.PROXY: "Proxy",
}


def alerts_of(budget: SpentBudget, now: Millis) -> list[NewAlert]:
    """Return what there is to tell: of the hard budget the worst, of the soft one that it is."""
    return [*_of_soft_budget(budget), *_of_budget(budget, now)]


def _of_soft_budget(budget: SpentBudget) -> Iterator[NewAlert]:
    soft = budget.soft_budget
    if soft is not None and budget.spend >= soft:
        yield _alert(budget, "soft_budget_crossed", "Soft Budget Crossed", soft)


def _of_budget(budget: SpentBudget, now: Millis) -> Iterator[NewAlert]:
    limit = budget.max_budget
    if limit is None:
        return
    if budget.spend >= limit:
        yield _alert(budget, "budget_crossed", "Budget Crossed", limit)
        return
    for percent, left in _THRESHOLDS:
        if budget.spend * 100 >= limit * percent:
            message = f"{left} Threshold Crossed"
            yield _alert(budget, "threshold_crossed", message, limit, key=f"threshold {percent}")
            break
    if (projected := _projected(budget, limit, now)) is not None:
        yield _alert(
            budget, "projected_limit_exceeded", "Projected Limit Exceeded", limit, more=projected
        )


def _projected(budget: SpentBudget, limit: Nanodollars, now: Millis) -> JsonObject | None:
    """Project the pace so far; None when it keeps within the budget, or is not known yet."""
    if budget.reset_at is None:
        return None
    length, passed = budget.reset_at - budget.started_at, now - budget.started_at
    if passed * LEAST_SHARE_OF_PERIOD < length or now >= budget.reset_at:
        return None
    projected = budget.spend * length // passed
    if projected <= limit:
        return None
    crossed_at = budget.started_at + passed * limit // budget.spend
    crossed_on = datetime.fromtimestamp(crossed_at / 1000, UTC).date()
    return {
        "projected_spend": projected / NANODOLLARS_PER_DOLLAR,
        "projected_exceeded_date": crossed_on.isoformat(),
    }


def _alert(
    budget: SpentBudget,
    event: str,
    message: str,
    limit: Nanodollars,
    *,
    key: str | None = None,
    more: JsonObject | None = None,
) -> NewAlert:
    body: JsonObject = {
        "spend": _dollars(budget.spend),
        "max_budget": _dollars(budget.max_budget),
        "soft_budget": _dollars(budget.soft_budget),
        **_who(budget),
        "projected_exceeded_date": None,
        "projected_spend": None,
        **(more or {}),
        "event": event,
        "event_group": _GROUPS.get(budget.scope, budget.scope.value),
        "event_message": f"{_NAMES[budget.scope]} Budget: {message}",
    }
    return NewAlert(budget, key or event, limit, body)


def _who(budget: SpentBudget) -> JsonObject:
    its, scope = budget.entity_id, budget.scope
    return {
        "token": its if scope is Scope.KEY else None,
        "customer_id": its if scope is Scope.END_USER else None,
        "user_id": its if scope is Scope.USER else budget.user_id,
        "team_id": its if scope is Scope.TEAM else budget.team_id,
        "organization_id": its if scope is Scope.ORG else None,
        "team_alias": budget.team_alias,
        "user_email": budget.user_email,
        "key_alias": budget.alias if scope is Scope.KEY else None,
        "tag": its if scope is Scope.TAG else None,
    }


def _dollars(amount: Nanodollars | None) -> float | None:
    return None if amount is None else amount / NANODOLLARS_PER_DOLLAR


def slack_text(body: JsonObject) -> str:
    """Write an alert for people to read in a chat."""
    lines = [f"*{body['event_message']}*", ""]
    lines += [
        f"*{name}:* `{value}`"
        for name, value in body.items()
        if value is not None and not name.startswith("event")
    ]
    return "\n".join(lines)
