"""Refusals in LiteLLM's words, with the headers clients act on."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Call, Endpoint, Key, Millis, Nanodollars, Principal, Scope, Team, User
from shared.limits.budgets import BudgetRules
from shared.limits.models import ModelNames
from shared.limits.plan import Ask, Rules, make_plan
from shared.limits.refusals import dollars, headroom, refusal
from shared.storage.admission import AllCool, NoBudget, NoLease, NoRate
from shared.storage.plans import Lost, Plan

CALL = Call(id="r1", endpoint=Endpoint.CHAT, model="gpt", body={})
NOW = Millis(1_760_000_012_345)  # 2025-10-09T08:53:32.345Z
PRINCIPAL = Principal(
    Key(
        scope=Scope.KEY,
        entity_id="0123456789abcdef",
        version=1,
        budget_started_at=Millis(0),
        max_budget=Nanodollars(1_500_000_000),
        key_alias="mine",
        key_name="sk-...abcd",
    ),
    User(
        scope=Scope.USER,
        entity_id="u1",
        version=1,
        budget_started_at=Millis(0),
        max_budget=Nanodollars(0),
        tpm_limit=500,
    ),
    Team(
        scope=Scope.TEAM,
        entity_id="t1",
        version=1,
        budget_started_at=Millis(0),
        max_budget=Nanodollars(10**9),
        rpm_limit=2,
        tpm_limit=1000,
        max_parallel_requests=3,
    ),
)


def plan_of(principal: Principal = PRINCIPAL) -> Plan:
    ask = Ask(request_id="r1", models=ModelNames(("gpt",)), candidates=[], tokens=9, is_free=False)
    rules = Rules(BudgetRules(users_pay_for_team_keys=True))
    return make_plan(principal, ask, lambda _: Lost("{}", 0, 0), NOW, rules)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (
            0,
            "Budget has been exceeded! Key=mine (sk-...abcd) Current cost: 2.25, Max budget: 1.5",
        ),
        (1, "Budget has been exceeded! Team=t1 Current cost: 2.25, Max budget: 1.0"),
        (2, "ExceededBudget: User=u1 over budget. Spend=2.25, Budget=0.0"),
    ],
)
def test_a_budget_is_told_in_litellms_words(index: int, message: str) -> None:
    reply = NoBudget(index, Nanodollars(2_250_000_000), Nanodollars(5))

    error = refusal(reply, plan_of(), PRINCIPAL, CALL, NOW, budget_status=400)

    assert (message, 400, "budget_exceeded") == (error.message, error.status, error.type)
    assert {"x-should-retry": "false"} == error.headers


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (
            NoRate(0, "tokens", 480, 28),
            (
                "Rate limit exceeded for user: u1. Limit type: tokens. Current limit: 500, "
                "Remaining: 0. Limit resets at: 2025-10-09 08:54:00 UTC"
            ),
        ),
        (
            NoRate(1, "requests", 2, 61),
            (
                "Rate limit exceeded for team: t1. Limit type: requests. Current limit: 2, "
                "Remaining: 0. Limit resets at: 2025-10-09 08:54:33 UTC"
            ),
        ),
        (
            NoLease(0, 3),
            (
                "Rate limit exceeded for team: t1. Limit type: max_parallel_requests. "
                "Current limit: 3, Remaining: 0. Limit resets at: 2025-10-09 08:53:33 UTC"
            ),
        ),
    ],
)
def test_a_rate_is_told_with_its_entity_and_when_to_come_back(
    reply: NoRate | NoLease, message: str
) -> None:
    error = refusal(reply, plan_of(), PRINCIPAL, CALL, NOW, budget_status=422)

    assert (message, 429, "throttling_error") == (error.message, error.status, error.type)
    seconds = reply.seconds if isinstance(reply, NoRate) else 1
    assert str(seconds) == error.headers["retry-after"]
    assert message.endswith(f"resets at: {error.headers['reset_at']}")


@pytest.mark.parametrize(("ms", "seconds"), [(1, 1), (1000, 1), (1001, 2), (0, 1)])
def test_cooling_deployments_say_when_the_first_is_back(ms: int, seconds: int) -> None:
    error = refusal(AllCool(ms), plan_of(), PRINCIPAL, CALL, NOW, budget_status=422)

    assert f"Try again in {seconds} seconds. Passed model=gpt." in error.message
    assert (429, str(seconds)) == (error.status, error.headers["retry-after"])


@given(st.integers(-(10**20), 10**20))
def test_dollars_are_exact_and_plain(amount: int) -> None:
    text = dollars(Nanodollars(amount))

    assert Decimal(text) == Decimal(amount).scaleb(-9)
    assert "e" not in text.lower()
    assert len(text.partition(".")[2]) >= 1


def test_headroom_is_told_for_every_limit_there_is() -> None:
    assert {
        "x-ratelimit-user-limit-tokens": "500",
        "x-ratelimit-user-remaining-tokens": "380",
        "x-ratelimit-team-limit-requests": "2",
        "x-ratelimit-team-remaining-requests": "0",
        "x-ratelimit-team-limit-tokens": "1000",
        "x-ratelimit-team-remaining-tokens": "0",
    } == headroom(plan_of().rates, ((1, 120), (2, 2000)))


def test_a_repeated_admit_tells_no_headroom() -> None:
    assert {} == headroom(plan_of().rates, ())
