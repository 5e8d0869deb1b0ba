"""Whole calls on the real stores keep the books of a plain oracle, whatever happens in what order.

Gateway, Redis, Postgres, drain, sweeper and reset job are the real ones. Only the provider is not
asked: a call ends as the machine says. The oracle (tests/storage/books.py) adds up who reserved and
spent what, and is asked after every step.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, LiteralString, TypeVar, cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from shared.auth.directory import Directory
from shared.config.loading import valid_config
from shared.domain import Call, Endpoint, Millis, Scope, Usage
from shared.errors import NotAuthenticated, OverBudget, ProviderFailed
from shared.gateway.attempts import first_success
from shared.gateway.gateway import Gateway
from shared.gateway.holding import hold
from shared.ledger.drain import drain
from shared.ledger.reset import reset
from shared.ledger.sweep import sweep
from shared.spend.ids import correction_id, uuid7
from shared.storage.admission import LEDGER
from shared.storage.stores import Stores
from tests.gateway.given import CHAT, Given, GivenKey, model
from tests.storage.books import Books, Line

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from shared.domain import Json
    from shared.gateway.running import Running
    from shared.settings import Settings as Process

T = TypeVar("T")

TOKEN = 1_000_000
"""What a token of an answer costs at `gpt`, in nanodollars; at `dear` it is twice as much."""
WRITTEN: dict[str, Json] = {"input_cost_per_token": 0, "output_cost_per_token": 0.001}
DEAR: dict[str, Json] = {"input_cost_per_token": 0, "output_cost_per_token": 0.002}
CONFIG: dict[str, Json] = {
    "model_list": [model("gpt", "http://nobody", **WRITTEN), model("dear", "http://x", **DEAR)],
    "router_settings": {
        "fallbacks": [{"gpt": ["dear"]}],
        "num_retries": 0,
        "disable_cooldowns": True,
    },
}
TABLES: dict[Scope, tuple[str, str]] = {
    Scope.KEY: ("litellm_verificationtoken", "token"),
    Scope.TEAM: ("litellm_teamtable", "team_id"),
}

answers = st.integers(1, 9)
limits = st.sampled_from([None, 10, 25, 100])
scopes = st.sampled_from([Scope.KEY, Scope.TEAM])


class MoneyMachine(RuleBasedStateMachine):
    """Calls of one key of one team, both with budgets."""

    loop: asyncio.AbstractEventLoop
    process: Process
    stores: Stores

    requests: Bundle[str] = Bundle("requests")

    def do(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    @initialize(
        target=requests,
        key_limit=limits,
        team_limit=limits,
        asked=st.lists(answers, min_size=2, max_size=4),
    )
    def begin(
        self, key_limit: int | None, team_limit: int | None, asked: list[int]
    ) -> MultipleResults[str]:
        self.books = Books()
        self.running: dict[str, Running] = {}
        self.blocked = False
        self.latest = 0
        self.gateway = Gateway(
            settings=self.process,
            config=valid_config(CONFIG, {}),
            stores=self.stores,
            directory=Directory(self.stores),
        )
        self.do(self.stores.redis.execute(["FLUSHALL"]))
        self.do(self.make_rows(key_limit, team_limit))
        return multiple(*(request for tokens in asked for request in self.hold(tokens)))

    async def make_rows(self, key_limit: int | None, team_limit: int | None) -> None:
        self.given = Given(self.stores)
        since = self.moment()
        team = await self.given.team(max_budget=dollars(team_limit), budget_started_at=at(since))
        self.key: GivenKey = await self.given.key(
            max_budget=dollars(key_limit), budget_started_at=at(since), team_id=team
        )
        self.ids = {Scope.KEY: self.key.hash, Scope.TEAM: team}
        self.since = dict.fromkeys(TABLES, since)
        self.limits = {Scope.KEY: key_limit, Scope.TEAM: team_limit}

    def moment(self) -> int:
        """A millisecond that no period has begun at."""
        self.latest = max(self.latest + 1, now() - 1_000)
        return self.latest

    # ── calls ────────────────────────────────────────────────────────────────────────────────

    @rule(target=requests, tokens=answers)
    def reserve(self, tokens: int) -> MultipleResults[str]:
        return multiple(*self.hold(tokens))

    def hold(self, tokens: int) -> list[str]:
        """Hold a call; return it, or nothing when it is refused."""
        request = uuid7(now())
        said: dict[str, Json] = {"messages": [{"role": "user", "content": "x"}]}
        body: dict[str, Json] = {**said, "max_tokens": tokens}
        call = Call(id=request, endpoint=Endpoint.CHAT, model="gpt", body=body)
        try:
            running = self.do(hold(self.gateway, self.key.headers, call, CHAT))
        except NotAuthenticated:
            assert self.blocked
            return []
        except OverBudget:
            assert "BUDGET" == self.admitted(request, tokens)
            return []
        assert not self.blocked
        assert "OK" == self.admitted(request, tokens)
        self.running[request] = running
        return [request]

    def admitted(self, request: str, tokens: int) -> str:
        """What the oracle says to such a call, once every counter that it needs stands."""
        lines = tuple(self.line(scope) for scope in TABLES)
        said = self.books.admit(request, lines, tokens * TOKEN)
        if said != "SEED":
            return said
        for line in lines:
            if line.limit is not None:
                self.books.seed(line.key, line.since)
        return self.books.admit(request, lines, tokens * TOKEN)

    def line(self, scope: Scope) -> Line:
        limit = self.limits[scope]
        return Line(
            self.counter(scope), self.since[scope], None if limit is None else limit * TOKEN
        )

    def counter(self, scope: Scope) -> str:
        return f"budget:{scope}:{self.ids[scope]}:-"

    @rule(request=requests)
    def fall_back_to_a_dearer_model(self, request: str) -> None:
        running = self.running[request]
        if self.books.holds[request].state != "held" or running.quote.group == "dear":
            return
        fits = self.books.attempt(request, self.books.holds[request].amount * 2)

        assert fits == self.do(self.moves(running))

    async def moves(self, running: Running) -> bool:
        """Fail once; say whether another model was turned to."""
        asked: list[str] = []

        async def fail_once(running: Running) -> None:
            asked.append(running.quote.group)
            if len(asked) == 1:
                raise ProviderFailed("No.", status=500, type="api_error", retryable=True)

        try:
            await first_success(running, fail_once)
        except ProviderFailed:
            return False
        return asked == ["gpt", "dear"]

    @rule(request=requests, tokens=st.integers(0, 12))
    def settle(self, request: str, tokens: int) -> None:
        """In time, late, or again: also beyond what was reserved."""
        running = self.running[request]
        rate = TOKEN * (2 if running.quote.group == "dear" else 1)
        running.usage, running.is_answering = Usage(completion_tokens=tokens), True
        running._is_settled = False

        self.do(running.settle())

        self.books.settle(request, tokens * rate, correction_id(request))

    # ── what runs on a schedule, and what befalls ────────────────────────────────────────────

    @rule(request=requests)
    def kill_and_sweep(self, request: str) -> None:
        """Its function dies; a minute later the sweeper ends its hold."""
        self.do(self.stores.redis.execute(["ZADD", "holds:0", "XX", 1, request]))
        self.do(sweep(self.stores, now()))
        self.books.lose(request)

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
    def revoke_or_allow(self) -> None:
        self.blocked = not self.blocked
        self.change(Scope.KEY, f"blocked = {str(self.blocked).lower()}")

    def change(self, scope: Scope, columns: str) -> None:
        table, column = TABLES[scope]
        text = f"update {table} set {columns} where {column} = %(id)s"  # noqa: S608 - our own
        entity = scope, self.ids[scope]
        self.do(self.given.change(entity, cast("LiteralString", text)))

    @rule(scope=scopes)
    def a_counter_is_evicted(self, scope: Scope) -> None:
        self.do(self.stores.redis.execute(["DEL", self.counter(scope)]))
        self.books.evict(self.counter(scope))

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

    def expected(self, scope: Scope) -> tuple[int, ...] | None:
        standing = self.books.counters.get(self.counter(scope))
        return standing and (standing.since, standing.spent, standing.reserved)

    async def found(self, scope: Scope) -> tuple[int, ...] | None:
        fields = ["since", "spent", "reserved"]
        words: Any = await self.stores.redis.execute(["HMGET", self.counter(scope), *fields])
        return None if words[0] is None else tuple(int(word) for word in words)

    def teardown(self) -> None:
        """Let everything come to rest: counter = ledger = column, and nothing is reserved."""
        if not hasattr(self, "ids"):
            return
        for request, running in self.running.items():
            if running._renewal is not None:
                running._renewal.cancel()
            self.kill_and_sweep(request)
        self.drain()
        self.reset()
        self.redis_says_what_the_oracle_says()
        for scope, (table, column) in TABLES.items():
            text = f"select spend from {table} where {column} = %(id)s"  # noqa: S608 - our own
            row: Any = self.do(
                self.stores.postgres.one(cast("LiteralString", text), id=self.ids[scope])
            )
            key, since = self.counter(scope), self.since[scope]
            assert self.books.column(key, since) == int(row["spend"] * 10**9)
            if (standing := self.books.counters.get(key)) is not None:
                assert 0 == standing.reserved
                assert self.books.truth(key, standing.since) == standing.spent
        self.do(self.check_ledger())
        for running in self.running.values():
            if running._renewal is not None:
                running._renewal.cancel()
        self.do(self.stores.close())

    async def check_ledger(self) -> None:
        """One row for each call that was billed, one more for each that was corrected."""
        text = "select id::text, spend from litellm_spendlogs where api_key = %(id)s"
        rows: Any = await self.stores.postgres.all(cast("LiteralString", text), id=self.key.hash)
        written = {row["id"]: int(row["spend"] * 10**9) for row in rows}
        assert {row.id: row.spend for row in self.books.postgres.values()} == written


def now() -> Millis:
    """The clock of the jobs, which is not the gateway's."""
    return Millis(time.time_ns() // 1_000_000)


def dollars(tokens: int | None) -> str | None:
    """What so many tokens of an answer cost."""
    return None if tokens is None else f"0.{tokens:03}"


def at(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment // 1000)) + f".{moment % 1000:03}Z"


def sql_of(moment: int) -> str:
    return f"'{at(moment)}'::timestamptz"


@pytest.fixture
def machine(settings: Process) -> Iterator[type[MoneyMachine]]:
    loop = asyncio.new_event_loop()
    # Nothing here is about waiting: a busy machine must not look like one without Redis.
    process = replace(settings, redis_try_seconds=10)
    stores = Stores.open(process)
    found = {"loop": loop, "process": process, "stores": stores}
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
