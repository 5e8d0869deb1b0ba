"""Calls on the real stores, and what a plain oracle says they must have come to.

Only the provider is not asked: a call ends as it is told. The oracle is tests/storage/books.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, LiteralString, TypeVar, cast

from hypothesis.stateful import RuleBasedStateMachine

from shared.auth.directory import Directory
from shared.config.loading import valid_config
from shared.domain import Call, Endpoint, Scope, Usage
from shared.errors import OverBudget, ProviderFailed
from shared.gateway.attempts import first_success
from shared.gateway.gateway import Gateway
from shared.gateway.holding import hold
from shared.ledger.sweep import sweep
from shared.spend.ids import correction_id, uuid7
from tests.gateway.given import CHAT, Given, GivenKey, model
from tests.gateway.moments import at, dollars, now
from tests.storage.books import Books, Line

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable

    from local.door.server import DoorThread
    from shared.domain import Json
    from shared.gateway.running import Running
    from shared.settings import Settings as Process
    from shared.storage.stores import Stores

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


class MoneyStage(RuleBasedStateMachine):
    """Calls of one key of one team, both with budgets; tokens of the key's model are counted."""

    loop: asyncio.AbstractEventLoop
    process: Process
    stores: Stores
    door: DoorThread

    def prepare(self, key_limit: int | None, team_limit: int | None) -> None:
        """Begin with empty books and an empty Redis."""
        self.books = Books()
        self.running: dict[str, Running] = {}
        self.counted: dict[str, int] = {}
        self.compared: dict[str, int] = {}
        self.past: dict[str, int] = {}
        self.latest = 0
        self.gateway = Gateway(
            settings=self.process,
            config=valid_config(CONFIG, {}),
            stores=self.stores,
            directory=Directory(self.stores),
        )
        self.do(self.stores.redis.execute(["FLUSHALL"]))
        self.do(self.make_rows(key_limit, team_limit))

    def do(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    def calls_in(self, *states: str) -> list[str]:
        holds = self.books.holds if hasattr(self, "books") else {}
        return [request for request, hold in holds.items() if hold.state in states]

    async def make_rows(self, key_limit: int | None, team_limit: int | None) -> None:
        self.given = Given(self.stores)
        since = self.moment()
        team = await self.given.team(max_budget=dollars(team_limit), budget_started_at=at(since))
        self.key: GivenKey = await self.given.key(
            max_budget=dollars(key_limit),
            budget_started_at=at(since),
            team_id=team,
            metadata='{"model_tpm_limit": {"gpt": 1000000}}',
        )
        self.ids = {Scope.KEY: self.key.hash, Scope.TEAM: team}
        self.since = dict.fromkeys(TABLES, since)
        self.limits = {Scope.KEY: key_limit, Scope.TEAM: team_limit}

    def moment(self) -> int:
        """A millisecond that no period has begun at."""
        self.latest = max(self.latest + 1, now() - 1_000)
        return self.latest

    def hold(self, tokens: int) -> str | None:
        """Hold a call; return it, or nothing when it is refused."""
        request = uuid7(now())
        said: dict[str, Json] = {"messages": [{"role": "user", "content": "x"}]}
        body: dict[str, Json] = {**said, "max_tokens": tokens}
        call = Call(id=request, endpoint=Endpoint.CHAT, model="gpt", body=body)
        try:
            running = self.do(hold(self.gateway, self.key.headers, call, CHAT))
        except OverBudget:
            assert "BUDGET" == self.admitted(request, tokens)
            return None
        assert "OK" == self.admitted(request, tokens)
        self.running[request] = running
        self.counted[request] = running.plan.tokens
        return request

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

    def settle(self, request: str, tokens: int) -> None:
        if request in self.past:
            return  # it has ended, as far as its function knows
        is_held = self.books.holds[request].state == "held"

        self.do(self.told(request, tokens).settle())

        self.books.settle(request, tokens * self.rate(request), correction_id(request))
        if is_held:
            self.counted[request] = tokens

    def told(self, request: str, tokens: int) -> Running:
        """Let the provider say what the call used."""
        running = self.running[request]
        running.usage, running.is_answering = Usage(completion_tokens=tokens), True
        running._is_settled = False
        return running

    def rate(self, request: str) -> int:
        return TOKEN * (2 if self.running[request].quote.group == "dear" else 1)

    def kill(self, request: str) -> None:
        """Its function dies; a minute later the sweeper ends its hold."""
        self.do(self.stores.redis.execute(["ZADD", "holds:0", "XX", 1, request]))
        self.do(sweep(self.stores, now()))
        for booked, tokens in self.past.items():
            if self.books.find_booked(booked):
                self.counted[booked] = 0 * tokens
        self.books.lose(request)

    def change(self, scope: Scope, columns: str) -> None:
        table, column = TABLES[scope]
        text = f"update {table} set {columns} where {column} = %(id)s"  # noqa: S608 - our own
        entity = scope, self.ids[scope]
        self.do(self.given.change(entity, cast("LiteralString", text)))

    def expected(self, scope: Scope) -> tuple[int, ...] | None:
        standing = self.books.counters.get(self.counter(scope))
        return standing and (standing.since, standing.spent, standing.reserved)

    async def found(self, scope: Scope) -> tuple[int, ...] | None:
        fields = ["since", "spent", "reserved"]
        words: Any = await self.stores.redis.execute(["HMGET", self.counter(scope), *fields])
        return None if words[0] is None else tuple(int(word) for word in words)

    async def window_tokens(self) -> set[int]:
        """Add up the windows of the key's model: as wholes, and by their sixtieths."""
        wholes = sixtieths = 0
        negative: set[int] = set()
        names: Any = await self.stores.redis.execute(["KEYS", "ratelimit:key_model:*"])
        for name in names:
            words: Any = await self.stores.redis.execute(["HGETALL", name])
            fields = {field: int(n) for field, n in zip(words[::2], words[1::2], strict=True)}
            wholes += fields.pop("tokens", 0)
            each = [n for field, n in fields.items() if field.startswith("t")]
            sixtieths += sum(each)
            negative |= {n for n in each if n < 0}  # corrected where it was not counted
        return {wholes, sixtieths} | negative

    def columns_say_what_the_oracle_says(self) -> None:
        for scope, (table, column) in TABLES.items():
            text = f"select spend from {table} where {column} = %(id)s"  # noqa: S608 - our own
            row: Any = self.do(
                self.stores.postgres.one(cast("LiteralString", text), id=self.ids[scope])
            )
            known = self.books.column(self.counter(scope), self.since[scope])
            assert known == int(row["spend"] * 10**9)

    async def check_ledger(self) -> None:
        """One row for each call that was billed, one more for each that was corrected."""
        text = "select id::text, spend from litellm_spendlogs where api_key = %(id)s"
        rows: Any = await self.stores.postgres.all(cast("LiteralString", text), id=self.key.hash)
        written = {row["id"]: int(row["spend"] * 10**9) for row in rows}
        assert {row.id: row.spend for row in self.books.postgres.values()} == written
