"""Whole calls on the real stores keep the books of a plain oracle, whatever happens in what order.

Gateway, Redis, Postgres, drain, sweeper and reset job are the real ones. Only the provider is not
asked: a call ends as the machine says. The oracle (tests/storage/books.py) adds up who reserved and
spent what, and is asked after every step.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.domain import Millis, Scope
from shared.errors import NotAuthenticated
from shared.ledger.drain import drain
from shared.ledger.reset import reset
from shared.storage.admission import LEDGER
from shared.storage.stores import Stores
from tests.gateway.moments import dollars, now, sql_of
from tests.gateway.money_stage import TABLES, MoneyStage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from local.door.server import DoorThread
    from shared.settings import Settings as Process

answers = st.integers(1, 9)
limits = st.sampled_from([25, 10, 100, None])
picks = st.integers(0, 99)
scopes = st.sampled_from([Scope.KEY, Scope.TEAM])


def state_is(*states: str) -> Callable[[Any], bool]:
    """Say whether there is a call in one of these states."""
    return lambda machine: bool(machine.calls_in(*states))


class MoneyMachine(MoneyStage):
    """What may happen to calls, and what must be so whatever did.

    A rule picks among the calls it means, so that each step does something: most faults show only
    after several that did.
    """

    @initialize(key_limit=limits, team_limit=limits, asked=st.lists(answers, min_size=2))
    def begin(self, key_limit: int | None, team_limit: int | None, asked: list[int]) -> None:
        self.prepare(key_limit, team_limit)
        for tokens in asked[:4]:
            self.hold(tokens)

    @rule(asked=st.lists(answers, min_size=1, max_size=3))
    def reserve(self, asked: list[int]) -> None:
        for tokens in asked:
            self.hold(tokens)

    @precondition(state_is("held"))
    @rule(pick=picks)
    def fall_back_to_a_dearer_model(self, pick: int) -> None:
        request = chosen(self.calls_in("held"), pick)
        running = self.running[request]
        if running.quote.group == "dear" or request in self.past:
            return
        fits = self.books.attempt(request, self.books.holds[request].amount * 2)

        assert fits == self.do(self.moves(running))

    @precondition(state_is("held"))
    @rule(pick=picks, tokens=st.integers(0, 12))
    def settle_in_time(self, pick: int, tokens: int) -> None:
        """Also beyond what was reserved."""
        self.settle(chosen(self.calls_in("held"), pick), tokens)

    @precondition(state_is("lost", "settled", "corrected"))
    @rule(pick=picks, tokens=st.integers(0, 12))
    def settle_late_or_again(self, pick: int, tokens: int) -> None:
        # Those that the sweeper ended come first: there is something to put right.
        ended = self.calls_in("lost") or self.calls_in("settled", "corrected")
        self.settle(chosen(ended, pick), tokens)

    @precondition(state_is("held"))
    @rule(pick=picks, tokens=st.integers(0, 12))
    def settle_while_redis_is_away(self, pick: int, tokens: int) -> None:
        request = chosen(self.calls_in("held"), pick)
        if request in self.past:
            return
        self.door.faults.add("refuse", times=None)
        try:
            self.do(self.told(request, tokens).settle())
        finally:
            self.door.faults.clear()
        self.past[request] = tokens
        self.books.book_past_redis(request, tokens * self.rate(request))

    # ── what runs on a schedule, and what befalls ────────────────────────────────────────────

    @precondition(state_is("held"))
    @rule(pick=picks)
    def kill_and_sweep(self, pick: int) -> None:
        self.kill(chosen(self.calls_in("held"), pick))

    @precondition(lambda self: hasattr(self, "books") and self.books.stream)
    @rule()
    def drain(self) -> None:
        self.do(drain(self.stores, now()))
        self.books.drain(len(self.books.stream))

    @rule(scope=scopes)
    def a_budgets_time_is_over(self, scope: Scope) -> None:
        moment = self.moment()
        reset_at = f"budget_duration = '1d', budget_reset_at = {sql_of(moment)}"
        self.change(scope, reset_at)
        self.since[scope] = moment

    @rule()
    def reset(self) -> None:
        self.do(reset(self.stores, now()))

    @rule(scope=scopes)
    def spend_is_reset_by_hand(self, scope: Scope) -> None:
        moment = self.moment()
        never = "budget_duration = null, budget_reset_at = null"
        self.change(scope, f"spend = 0, budget_started_at = {sql_of(moment)}, {never}")
        self.since[scope] = moment

    @rule(scope=scopes, limit=limits)
    def a_limit_is_changed(self, scope: Scope, limit: int | None) -> None:
        self.change(scope, f"max_budget = {'null' if limit is None else dollars(limit)}")
        self.limits[scope] = limit

    @rule()
    def a_revoked_key_takes_no_room(self) -> None:
        for blocked in (True, False):
            self.change(Scope.KEY, f"blocked = {str(blocked).lower()}")
            if blocked:
                with pytest.raises(NotAuthenticated):
                    self.hold(1)

    @rule(scope=scopes, tokens=answers)
    def a_reset_comes_after_the_new_period_was_drained(self, scope: Scope, tokens: int) -> None:
        self.a_budgets_time_is_over(scope)
        request = self.hold(tokens)
        if request is not None:
            self.settle(request, tokens)
        self.drain()
        self.reset()
        self.columns_say_what_the_oracle_says()

    @rule(scope=scopes, asked=st.lists(answers, max_size=1))
    def a_counter_is_evicted(self, scope: Scope, asked: list[int]) -> None:
        self.do(self.stores.redis.execute(["DEL", self.counter(scope)]))
        self.books.evict(self.counter(scope))
        for tokens in asked:
            self.hold(tokens)

    @rule(scope=scopes)
    def a_policy_is_evicted(self, scope: Scope) -> None:
        name = f"key:{self.key.hash}" if scope is Scope.KEY else f"policy:team:{self.ids[scope]}"
        self.do(self.stores.redis.execute(["DEL", name]))

    @rule(minutes=st.sampled_from([-61, -1, 1, 61]))
    def the_clock_steps_over_a_boundary(self, minutes: int) -> None:
        self.gateway.clock.correct(Millis(self.gateway.clock.now() + minutes * 60_000))

    # ── what must be so ──────────────────────────────────────────────────────────────────────

    @invariant()
    def redis_says_what_the_oracle_says(self) -> None:
        if not hasattr(self, "ids"):
            return
        for scope in TABLES:
            assert self.expected(scope) == self.do(self.found(scope))
        entries: Any = self.do(self.stores.redis.execute(["XRANGE", LEDGER, "-", "+"]))
        fields = [dict(zip(words[::2], words[1::2], strict=True)) for _, words in entries]
        rows = [(row["id"], int(row["spend"])) for row in fields]
        assert [(row.id, row.spend) for row in self.books.stream] == rows

    @invariant()
    def windows_count_what_was_used(self) -> None:
        if hasattr(self, "ids") and self.counted != self.compared:
            assert {sum(self.counted.values())} == self.do(self.window_tokens())
            self.compared = dict(self.counted)

    def teardown(self) -> None:
        """Let everything come to rest: counter = ledger = column, and nothing is reserved."""
        if not hasattr(self, "ids"):
            return
        for request, running in self.running.items():
            if running._renewal is not None:
                running._renewal.cancel()
            self.kill(request)
        self.drain()
        self.reset()
        self.redis_says_what_the_oracle_says()
        self.columns_say_what_the_oracle_says()
        for scope in TABLES:
            if (standing := self.books.counters.get(self.counter(scope))) is not None:
                assert 0 == standing.reserved
                truth = self.books.truth(self.counter(scope), standing.since)
                assert truth == standing.spent
        self.do(self.check_ledger())
        self.do(self.stores.close())


def chosen(calls: list[str], pick: int) -> str:
    return calls[pick % len(calls)]


@pytest.fixture
def machine(settings: Process, door: DoorThread) -> Iterator[type[MoneyMachine]]:
    loop = asyncio.new_event_loop()
    # Nothing here is about waiting: a busy machine must not look like one without Redis.
    process = replace(settings, redis_try_seconds=10)
    stores = Stores.open(process)
    found = {"loop": loop, "process": process, "stores": stores, "door": door}
    yield type("Machine", (MoneyMachine,), found)
    loop.run_until_complete(stores.close())
    loop.close()


def profile(examples: int, steps: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=checks,
    )


def test_counter_ledger_and_column_agree(machine: type[MoneyMachine]) -> None:
    run_state_machine_as_test(machine, settings=profile(15, 30), _min_steps=20)


@pytest.mark.slow
def test_counter_ledger_and_column_agree_for_thousands_of_steps(
    machine: type[MoneyMachine],
) -> None:
    run_state_machine_as_test(machine, settings=profile(80, 50), _min_steps=40)
