"""What there is to tell about a budget, at which spend, and in LiteLLM's words."""

from __future__ import annotations

from typing import Any

import pytest

from shared.domain import Millis, Nanodollars, Scope
from shared.limits.alerts import alerts_of, slack_text
from shared.storage.budget_alerts import SpentBudget

DAY = 86_400_000
NOW = Millis(1_795_521_600_000)
DOLLAR = 1_000_000_000


def spent(dollars: float, **fields: Any) -> SpentBudget:  # noqa: ANN401 - any field of it
    known: dict[str, Any] = {
        "scope": Scope.KEY,
        "entity_id": "hash",
        "started_at": NOW,
        "max_budget": Nanodollars(10 * DOLLAR),
        **fields,
    }
    return SpentBudget(spend=Nanodollars(int(dollars * DOLLAR)), **known)


def events(budget: SpentBudget, now: int = NOW) -> list[str]:
    return [str(alert.body["event_message"]) for alert in alerts_of(budget, Millis(now))]


@pytest.mark.parametrize(
    ("dollars", "told"),
    [
        (8.49, []),
        (8.5, ["Key Budget: 15% Threshold Crossed"]),
        (9.49, ["Key Budget: 15% Threshold Crossed"]),
        (9.5, ["Key Budget: 5% Threshold Crossed"]),
        (9.999, ["Key Budget: 5% Threshold Crossed"]),
        (10, ["Key Budget: Budget Crossed"]),
        (12, ["Key Budget: Budget Crossed"]),
    ],
)
def test_of_a_budget_the_worst_is_told(dollars: float, told: list[str]) -> None:
    assert told == events(spent(dollars))


@pytest.mark.parametrize(("dollars", "is_told"), [(1.99, False), (2, True), (3, True)])
def test_a_soft_budget_is_told_beside(dollars: float, *, is_told: bool) -> None:
    budget = spent(dollars, soft_budget=Nanodollars(2 * DOLLAR), max_budget=None)

    assert ["Key Budget: Soft Budget Crossed"] * is_told == events(budget)


def test_a_pace_that_leads_over_the_budget_is_told_with_its_day() -> None:
    budget = spent(4, started_at=Millis(NOW - 10 * DAY), reset_at=Millis(NOW + 20 * DAY))

    (alert,) = alerts_of(budget, NOW)

    assert ("projected_limit_exceeded", 12.0, "2026-12-09") == (
        alert.event,
        alert.body["projected_spend"],
        alert.body["projected_exceeded_date"],
    )


@pytest.mark.parametrize(
    ("dollars", "days_passed"),
    [(3, 10), (4, 2), (0.001, 1)],
    ids=["slow enough", "too early to say", "hardly anything"],
)
def test_a_pace_that_says_nothing_is_not_told(dollars: float, days_passed: int) -> None:
    start = Millis(NOW - days_passed * DAY)
    budget = spent(dollars, started_at=start, reset_at=Millis(start + 30 * DAY))

    assert [] == events(budget)


def test_the_body_is_litellms_webhook_event() -> None:
    budget = spent(
        11, alias="name", user_id="u", team_id="t", user_email="u@example.com", team_alias="T"
    )

    (alert,) = alerts_of(budget, NOW)

    assert {
        "spend": 11.0,
        "max_budget": 10.0,
        "soft_budget": None,
        "token": "hash",
        "customer_id": None,
        "user_id": "u",
        "team_id": "t",
        "organization_id": None,
        "team_alias": "T",
        "user_email": "u@example.com",
        "key_alias": "name",
        "tag": None,
        "projected_exceeded_date": None,
        "projected_spend": None,
        "event": "budget_crossed",
        "event_group": "key",
        "event_message": "Key Budget: Budget Crossed",
    } == alert.body


@pytest.mark.parametrize(
    ("scope", "group", "named"),
    [
        (Scope.USER, "user", "user_id"),
        (Scope.TEAM, "team", "team_id"),
        (Scope.ORG, "organization", "organization_id"),
        (Scope.END_USER, "end_user", "customer_id"),
        (Scope.TAG, "tag", "tag"),
    ],
)
def test_everybody_is_named_in_their_own_field(scope: Scope, group: str, named: str) -> None:
    (alert,) = alerts_of(spent(11, scope=scope), NOW)

    assert (group, "hash", None) == (
        alert.body["event_group"],
        alert.body[named],
        alert.body["token"],
    )


def test_a_chat_is_told_what_is_known_line_by_line() -> None:
    (alert,) = alerts_of(spent(11, alias="name"), NOW)

    assert "*Key Budget: Budget Crossed*" in slack_text(alert.body).splitlines()
    assert "*spend:* `11.0`" in slack_text(alert.body).splitlines()
    assert "None" not in slack_text(alert.body)
