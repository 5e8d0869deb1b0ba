"""Which budgets bear a call, and which of them refuse at their limit or only over it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from shared.domain import Key, Millis, Nanodollars, Policy, Principal, Scope, Team, User
from shared.limits.budgets import BudgetRules, budgets_of
from shared.limits.models import ModelNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import BudgetLine

NOW = Millis(1_760_000_012_345)
DOLLAR = Nanodollars(10**9)
TEN = {"gpt": 10}

KEY = Key(scope=Scope.KEY, entity_id="k", version=1, budget_started_at=Millis(0))
USER = User(scope=Scope.USER, entity_id="u", version=1, budget_started_at=Millis(0))
TEAM = Team(scope=Scope.TEAM, entity_id="t", version=1, budget_started_at=Millis(0))


def other(scope: Scope) -> Policy:
    return Policy(
        scope=scope, entity_id="o", version=1, budget_started_at=Millis(0), max_budget=DOLLAR
    )


def everybody() -> Principal:
    return Principal(
        replace(KEY, max_budget=DOLLAR),
        replace(USER, max_budget=DOLLAR),
        replace(TEAM, max_budget=DOLLAR),
        member=other(Scope.TEAM_MEMBER),
        org=other(Scope.ORG),
        end_user=other(Scope.END_USER),
        tags=(other(Scope.TAG),),
    )


def lines(
    principal: Principal,
    rules: BudgetRules = BudgetRules(),  # noqa: B008 - frozen
    models: Sequence[str] = ("gpt",),
    *,
    is_free: bool = False,
) -> list[BudgetLine]:
    found = budgets_of(principal, ModelNames(tuple(models)), NOW, rules, is_free=is_free)
    return [budget.line for budget in found]


def limits(principal: Principal, models: Sequence[str] = ("gpt",)) -> dict[str, int]:
    """The limit of each budget of a model, by whose it is and which."""
    return {
        f"{line.bearer.scope}:{line.bearer.window}": line.limit
        for line in lines(principal, models=models)
        if line.limit is not None and "/" in line.bearer.window
    }


def test_key_user_organization_and_member_refuse_at_their_budget_the_others_over_it() -> None:
    rules = BudgetRules(users_pay_for_team_keys=True, proxy_budget=DOLLAR)

    found = {line.bearer.scope: line.refuses_at_limit for line in lines(everybody(), rules)}

    assert found == {
        Scope.KEY: True,
        Scope.USER: True,
        Scope.ORG: True,
        Scope.TEAM_MEMBER: True,
        Scope.TEAM: False,
        Scope.END_USER: False,
        Scope.TAG: False,
        Scope.PROXY: False,
    }


@pytest.mark.parametrize("policy", [KEY, USER, TEAM])
def test_everybodys_windows_and_budgets_of_models_refuse_at_their_limit(
    policy: Key | User | Team,
) -> None:
    limited = replace(
        policy,
        model_max_budget=TEN,
        budget_limits=({"budget_duration": "1d", "max_budget": 1},),
    )
    principal = Principal(
        limited if isinstance(limited, Key) else KEY,
        limited if isinstance(limited, User) else None,
        limited if isinstance(limited, Team) else None,
    )

    found = [line.refuses_at_limit for line in lines(principal) if not line.bearer.is_own]

    assert [True, True] == found


def test_a_team_key_does_not_spend_its_users_own_budget() -> None:
    principal = Principal(KEY, replace(USER, max_budget=DOLLAR), TEAM)

    by_default = [line.limit for line in lines(principal)]
    when_set = [line.limit for line in lines(principal, BudgetRules(users_pay_for_team_keys=True))]

    assert ([None] * 3, [None, None, DOLLAR]) == (by_default, when_set)


def test_a_team_key_spends_its_users_budgets_of_models() -> None:
    principal = Principal(KEY, replace(USER, model_max_budget=TEN), TEAM)

    assert {"user:-/gpt": 10 * DOLLAR} == limits(principal)


def test_a_keys_budget_of_a_model_replaces_its_teams_of_that_model() -> None:
    key, team = replace(KEY, model_max_budget={"gpt": 1}), replace(TEAM, model_max_budget=TEN)

    assert {"key:-/gpt": DOLLAR} == limits(Principal(key, None, team))


def test_a_teams_pattern_holds_beside_the_keys_budget_of_a_model() -> None:
    key = replace(KEY, model_max_budget={"gpt": 1})
    team = replace(TEAM, model_max_budget={"gpt": 10, "g*": 5})

    assert {"key:-/gpt": DOLLAR, "team:-/g*": 5 * DOLLAR} == limits(Principal(key, None, team))


def test_a_keys_pattern_replaces_no_budget_of_its_team() -> None:
    key, team = replace(KEY, model_max_budget={"g*": 1}), replace(TEAM, model_max_budget=TEN)

    found = limits(Principal(key, None, team))

    assert {"key:-/g*": DOLLAR, "team:-/gpt": 10 * DOLLAR} == found


@pytest.mark.parametrize(
    ("patterns", "winner"),
    [
        (("gpt*", "gpt-4*"), "gpt-4*"),
        (("*g*p*t*-*", "gpt-*"), "gpt-*"),
        (("**gpt-4o", "gpt-4*"), "**gpt-4o"),
    ],
)
def test_of_several_patterns_the_one_with_most_letters_speaks(
    patterns: tuple[str, ...], winner: str
) -> None:
    key = replace(KEY, model_max_budget=dict.fromkeys(patterns, 1))

    assert {f"key:-/{winner}": DOLLAR} == limits(Principal(key), ["gpt-4o"])


def test_an_access_group_speaks_for_its_models_before_any_pattern() -> None:
    key = replace(KEY, model_max_budget={"g*": 1, "premium": 2})
    names = ModelNames(("gpt",), frozenset({"premium", "beta"}))

    found = budgets_of(Principal(key), names, NOW, BudgetRules(), is_free=False)

    assert ["-", "-/premium"] == [budget.line.bearer.window for budget in found]


def test_a_budget_of_the_model_itself_speaks_before_its_access_group() -> None:
    key = replace(KEY, model_max_budget={"gpt": 1, "premium": 2})
    names = ModelNames(("gpt",), frozenset({"premium"}))

    found = budgets_of(Principal(key), names, NOW, BudgetRules(), is_free=False)

    assert ["-", "-/gpt"] == [budget.line.bearer.window for budget in found]


def test_a_free_model_is_refused_by_no_budget_and_charged_to_all() -> None:
    rules = BudgetRules(users_pay_for_team_keys=True, proxy_budget=DOLLAR)
    principal = everybody()

    found = lines(principal, rules, is_free=True)

    assert len(found) == len(lines(principal, rules))
    assert {None} == {line.limit for line in found}


def test_a_soft_budget_refuses_nobody() -> None:
    principal = Principal(replace(KEY, soft_budget=Nanodollars(0)))

    assert [None] == [line.limit for line in lines(principal)]


def test_a_budget_of_nothing_for_the_proxy_is_none() -> None:
    found = lines(Principal(KEY), BudgetRules(proxy_budget=Nanodollars(0)))

    assert [Scope.KEY] == [line.bearer.scope for line in found]
