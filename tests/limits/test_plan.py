"""What a call must find room in, and for how long that stays true."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain import Deployment, Key, Millis, Nanodollars, Principal, Scope, Team, User
from shared.limits import windows
from shared.limits.budgets import BudgetRules
from shared.limits.models import ModelNames
from shared.limits.places import Candidate
from shared.limits.plan import Ask, Rules, make_plan
from shared.limits.windows import DAY, HOUR, MINUTE_MS, minute_start
from shared.storage.plans import Bearer, BudgetLine, Lost, Plan

NOW = Millis(1_760_000_012_345)  # 2025-10-09T08:53:32.345Z
MINUTE = Millis(1_759_999_980_000)
DAY_MS = 86_400_000
STARTED = Millis(NOW - 10 * DAY_MS)

KEY = Key(scope=Scope.KEY, entity_id="h1", version=1, budget_started_at=STARTED)
USER = User(scope=Scope.USER, entity_id="u:1", version=2, budget_started_at=STARTED)
TEAM = Team(scope=Scope.TEAM, entity_id="t\n1", version=3, budget_started_at=STARTED)
DEPLOYMENT = Deployment(
    id="d{1}", model_group="gpt", provider="openai", model="gpt", api_base="http://x"
)


def plan_of(
    principal: Principal,
    now: Millis = NOW,
    *,
    is_free: bool = False,
    rules: BudgetRules = BudgetRules(users_pay_for_team_keys=True),  # noqa: B008 - frozen
) -> Plan:
    ask = Ask(
        request_id="r1",
        models=ModelNames(("gpt",)),
        candidates=[Candidate(DEPLOYMENT, Nanodollars(7))],
        tokens=9,
        is_free=is_free,
    )
    return make_plan(principal, ask, lambda _: Lost("{}", 0, 0), now, Rules(rules))


def test_a_key_without_limits_still_has_its_counter_charged() -> None:
    plan = plan_of(Principal(KEY))

    (line,) = plan.budgets
    bearer = Bearer(Scope.KEY, "h1")
    assert line == BudgetLine("budget:key:h1:-", STARTED, Nanodollars(0), None, True, bearer)  # noqa: FBT003
    assert ((), ()) == (plan.rates, plan.leases)
    assert (KEY,) == plan.policies


def test_every_limit_of_key_user_and_team_is_in_the_plan() -> None:
    plan = plan_of(
        Principal(
            replace(KEY, max_budget=Nanodollars(5), rpm_limit=0),
            replace(USER, max_budget=Nanodollars(6), tpm_limit=60, max_parallel_requests=0),
            replace(TEAM, max_budget=Nanodollars(7), rpm_limit=3, tpm_limit=4),
        )
    )

    assert [
        ("budget:key:h1:-", 5, True),
        ("budget:team:t%0A1:-", 7, False),
        ("budget:user:u%3A1:-", 6, True),
    ] == [(line.key, line.limit, line.refuses_at_limit) for line in plan.budgets]
    now, before = "2025-10-09T08:53", "2025-10-09T08:52"
    assert [
        (f"ratelimit:key:h1:{now}", f"ratelimit:key:h1:{before}", 0, None),
        (f"ratelimit:user:u%3A1:{now}", f"ratelimit:user:u%3A1:{before}", None, 60),
        (f"ratelimit:team:t%0A1:{now}", f"ratelimit:team:t%0A1:{before}", 3, 4),
    ] == [(r.current_key, r.previous_key, r.requests, r.tokens) for r in plan.rates]
    assert [("parallel:user:u%3A1", 0)] == [(lease.key, lease.limit) for lease in plan.leases]
    assert [("cooldown:d%7B1%7D", 7)] == [
        (c.place.cooldown_key, c.reservation) for c in plan.candidates
    ]


def test_a_model_that_costs_nothing_is_held_to_no_budget() -> None:
    plan = plan_of(Principal(replace(KEY, max_budget=Nanodollars(0))), is_free=True)

    assert [None] == [line.limit for line in plan.budgets]


def test_the_master_key_is_held_to_nothing() -> None:
    master = Principal(replace(KEY, max_budget=Nanodollars(1), rpm_limit=1), USER, is_master=True)

    plan = plan_of(master)

    assert ((), (), (), ()) == (plan.policies, plan.budgets, plan.rates, plan.leases)


def test_a_plan_is_good_for_its_minute() -> None:
    plan = plan_of(Principal(KEY))

    assert (MINUTE, MINUTE + MINUTE_MS) == (plan.valid_from, plan.valid_until)


@pytest.mark.parametrize(
    ("reset_at", "valid"),
    [
        (NOW + 1, (MINUTE, NOW + 1)),
        (NOW, (NOW, MINUTE + MINUTE_MS)),
        (MINUTE - 1, (MINUTE, MINUTE + MINUTE_MS)),
    ],
)
def test_a_plan_is_good_for_no_more_than_every_period(
    reset_at: int, valid: tuple[int, int]
) -> None:
    team = replace(TEAM, budget_duration="10d", budget_reset_at=Millis(reset_at))

    plan = plan_of(Principal(KEY, None, team))

    assert valid == (plan.valid_from, plan.valid_until)


def test_a_period_that_begins_ahead_of_our_clock_does_not_close_the_plan() -> None:
    """Postgres wrote it by its own clock."""
    ahead = replace(KEY, budget_started_at=Millis(NOW + 500), budget_opening=Nanodollars(3))

    plan = plan_of(Principal(ahead))

    (line,) = plan.budgets
    assert (MINUTE, NOW + 500, 3) == (plan.valid_from, line.since, line.opening)


def test_only_the_period_that_was_opened_by_hand_has_the_opening() -> None:
    opened = replace(KEY, budget_opening=Nanodollars(3), budget_duration="1d")

    now = plan_of(Principal(replace(opened, budget_reset_at=Millis(NOW + 1))))
    later = plan_of(Principal(replace(opened, budget_reset_at=Millis(NOW - 1))))

    assert (3, 0) == (now.budgets[0].opening, later.budgets[0].opening)


@given(moment=st.integers(0, 4_000_000_000_000), is_daily=st.booleans())
def test_a_plan_is_valid_at_the_moment_it_is_made(moment: int, *, is_daily: bool) -> None:
    now = Millis(moment)
    daily = replace(KEY, budget_duration="1d" if is_daily else None, budget_reset_at=Millis(0))

    plan = plan_of(Principal(daily), now)

    assert plan.valid_from <= now < plan.valid_until
    assert plan.valid_until - plan.valid_from <= MINUTE_MS


@given(st.integers(0, 4_000_000_000_000))
def test_the_minute_before_is_the_one_before(moment: int) -> None:
    now = Millis(moment)
    start = minute_start(now)

    assert start % MINUTE_MS == 0
    names = [windows.MINUTE.key("key", "k", at) for at in (now, start, start + MINUTE_MS - 1)]
    assert len(set(names)) == 1
    assert windows.MINUTE.key("key", "k", start + MINUTE_MS) > names[0]


def test_minute_hour_and_day_are_counted_apart() -> None:
    limits = {"rpm_limit": 1, "tph_limit": 2, "rpd_limit": 3, "tpd_limit": 4}

    plan = plan_of(Principal(replace(KEY, **limits)))

    assert [
        ("ratelimit:key:h1:2025-10-09T08:53", 1, None, 1_000, ""),
        ("ratelimit:key:h1:2025-10-09T08:00", None, 2, 60_000, "h"),
        ("ratelimit:key:h1:2025-10-09", 3, 4, 1_440_000, ""),
    ] == [(r.current_key, r.requests, r.tokens, r.step_ms, r.prefix) for r in plan.rates]
    assert ["2025-10-09T08:52", "2025-10-09T07:00", "2025-10-08"] == [
        r.previous_key.removeprefix("ratelimit:key:h1:") for r in plan.rates
    ]


@pytest.mark.parametrize("window", [HOUR, DAY])
@given(st.integers(0, 4_000_000_000_000))
def test_a_window_begins_where_its_sixtieths_do(window: windows.Window, moment: int) -> None:
    start = moment - moment % window.length_ms

    assert window.key("key", "k", moment) == window.key("key", "k", start)
    assert 0 == (start // window.step_ms) % 60
    assert window.key("key", "k", start - 1) != window.key("key", "k", start)
