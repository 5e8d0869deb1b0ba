"""The scripts keep the same books as the oracle, whatever happens in whatever order."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

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
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.domain import Millis, Nanodollars
from shared.spend.ids import correction_id, uuid7
from shared.storage import stream
from shared.storage.admission import (
    LEDGER,
    Admitted,
    CounterSeed,
    Held,
    NoBudget,
    Seed,
    admit,
    renew,
    seed,
    settle,
)
from shared.storage.attempts import NoCandidate, attempt
from shared.storage.holds import due
from shared.storage.plans import Outcome
from shared.storage.redis import Redis
from shared.transport.client import Client
from tests.storage.books import Books, Line
from tests.storage.given import (
    NOW_US,
    SINCE,
    TimedRedis,
    budget,
    candidate,
    everything,
    given_overdue,
    plan,
    settlement,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

    from local.door.server import DoorThread
    from shared.storage.plans import Plan
    from tests.storage.given import Value

T = TypeVar("T")

KEY, TEAM = "budget:key:k1:-", "budget:team:t1:-"
FAILED = Outcome("ratelimit:deployment:d1:now", "cooldown:d1", failed=True)
HUGE = 10**14

amounts = st.integers(0, 9)
large_amounts = st.sampled_from([HUGE - 1, HUGE, HUGE + 1])
limits = st.sampled_from([None, 10, 25, 100, 3 * HUGE])
keys = st.sampled_from([KEY, TEAM])
loses_a_reply = st.sampled_from([False, False, False, True])


class BooksMachine(RuleBasedStateMachine):
    """Calls of one key of one team, each with a budget, on a Redis that errs."""

    loop: asyncio.AbstractEventLoop
    redis: TimedRedis
    door: DoorThread

    requests: Bundle[str] = Bundle("requests")

    def do(self, work: Awaitable[T], *, loses_reply: bool = False) -> T:
        """Run to the end; Redis may do as asked and its reply get lost."""
        if loses_reply:
            self.door.faults.add("drop_after", times=1)
        try:
            return self.loop.run_until_complete(work)
        finally:
            self.door.faults.clear()

    @initialize(
        target=requests,
        key_limit=limits,
        team_limit=limits,
        reservations=st.lists(amounts, min_size=2, max_size=4),
    )
    def begin(
        self, key_limit: int | None, team_limit: int | None, reservations: list[int]
    ) -> MultipleResults[str]:
        self.books = Books()
        self.since = {KEY: SINCE, TEAM: SINCE}
        self.limits = {KEY: key_limit, TEAM: team_limit}
        self.plans: dict[str, Plan] = {}
        self.attempts: dict[str, int] = {}
        self.position = "0-0"
        self.do(self.redis.execute(["FLUSHALL"]))
        self.now_us = NOW_US
        self.do(self.redis.set_time(self.now_us))
        return multiple(*(call for amount in reservations for call in self.admit(amount)))

    # ── calls ────────────────────────────────────────────────────────────────────────────────

    @rule(target=requests, amount=amounts | large_amounts, loses_reply=loses_a_reply)
    def admit_a_call(self, amount: int, *, loses_reply: bool) -> MultipleResults[str]:
        return multiple(*self.admit(amount, loses_reply=loses_reply))

    def admit(self, amount: int, *, loses_reply: bool = False) -> list[str]:
        """Admit a new call; return it, or nothing when it is refused."""
        request = uuid7(Millis(SINCE))
        lines = tuple(Line(key, self.since[key], self.limits[key]) for key in (KEY, TEAM))
        asked = plan(
            request,
            budgets=[
                budget(
                    line.key,
                    limit=line.limit,
                    since=line.since,
                    opening=self.books.opening.get((line.key, line.since), 0),
                    at_limit=False,
                )
                for line in lines
            ],
            reservation=amount,
        )
        reply = self.do(admit(self.redis, asked), loses_reply=loses_reply)
        if isinstance(reply, Seed):
            assert "SEED" == self.books.admit(request, lines, amount)
            for index in reply.budgets:
                self.make_counter(lines[index])
            reply = self.do(admit(self.redis, asked), loses_reply=loses_reply)
        expected = self.books.admit(request, lines, amount)
        assert expected == {Admitted: "OK", NoBudget: "BUDGET"}[type(reply)]  # type: ignore[index]
        if expected != "OK":
            return []
        self.check_nothing_is_over_its_limit(lines)
        self.plans[request] = asked
        self.attempts[request] = 1
        return [request]

    def make_counter(self, line: Line) -> None:
        known = CounterSeed(
            line.key,
            Millis(line.since),
            Nanodollars(self.books.column(line.key, line.since)),
        )
        assert self.do(seed(self.redis, self.position, [known]))
        self.books.seed(line.key, line.since)

    def check_nothing_is_over_its_limit(self, lines: tuple[Line, ...]) -> None:
        for line in lines:
            if line.limit is not None:
                counter = self.books.counters[line.key]
                assert counter.spent + counter.reserved <= line.limit

    @rule(request=requests)
    def admit_again(self, request: str) -> None:
        assert isinstance(self.do(admit(self.redis, self.plans[request])), Admitted)

    @rule(request=requests, amount=amounts | large_amounts, loses_reply=loses_a_reply)
    def attempt_another(self, request: str, amount: int, *, loses_reply: bool) -> None:
        if self.books.holds[request].state != "held":
            return
        number = self.attempts[request] + 1
        reply = self.do(
            attempt(
                self.redis,
                self.plans[request],
                FAILED,
                number=number,
                candidates=[candidate(amount, "d2")],
            ),
            loses_reply=loses_reply,
        )
        fits = self.books.attempt(request, amount)
        assert (0 if fits else NoCandidate(0)) == reply
        self.attempts[request] += fits

    @rule(request=requests)
    def renew_a_call(self, request: str) -> None:
        is_held = self.books.holds[request].state == "held"

        assert is_held == self.do(renew(self.redis, self.plans[request]))

    @rule(request=requests, cost=amounts | large_amounts, loses_reply=loses_a_reply)
    def settle_a_call(self, request: str, cost: int, *, loses_reply: bool) -> None:
        if request in self.books.postgres and self.books.holds[request].state == "held":
            return  # its row went past Redis: the gateway has done with it
        late = correction_id(request)
        held = Held.by(self.plans[request])
        reply = self.do(
            settle(self.redis, held, settlement(cost, correction=late)), loses_reply=loses_reply
        )
        expected = self.books.settle(request, cost, late)
        assert expected == reply or (loses_reply and not reply)

    @rule(request=requests, cost=amounts)
    def book_past_redis(self, request: str, cost: int) -> None:
        if self.books.holds[request].state == "held" and request not in self.books.postgres:
            self.books.book_past_redis(request, cost)

    # ── what runs on a schedule ──────────────────────────────────────────────────────────────

    @rule(request=requests)
    def sweep_a_call(self, request: str) -> None:
        self.sweep(request)

    def sweep(self, request: str) -> None:
        held = Held.by(self.plans[request])
        self.do(given_overdue(self.redis, held))
        # The clock may have stepped past the deadlines of others too; their turn comes.
        overdue = self.do(due(self.redis, len(self.plans)))
        dead = [each for each in overdue if each.held.request_id == request]
        is_held = self.books.holds[request].state == "held"
        assert [held.request_id] * is_held == [each.held.request_id for each in dead]
        for each in dead:
            assert held == each.held
            row = self.books.postgres.get(request)
            if row is None:
                assert self.books.lose(request)
                assert self.do(settle(self.redis, each.held, settlement(0), mode="lost"))
            else:
                assert self.books.find_booked(request)
                booked = settlement(row.spend)
                assert self.do(settle(self.redis, each.held, booked, mode="booked"))

    @precondition(lambda self: self.books.stream)
    @rule(most=st.integers(1, 5))
    def drain(self, most: int) -> None:
        entries = self.do(stream.read(self.redis, most))
        assert len(entries) == self.books.drain(most)
        if entries:
            self.position = entries[-1].stream_id
            self.do(stream.trim(self.redis, self.position))

    # ── what befalls ─────────────────────────────────────────────────────────────────────────

    @rule(key=keys, opening=amounts)
    def a_new_period_begins(self, key: str, opening: int) -> None:
        self.since[key] += 1
        self.books.opening[key, self.since[key]] = opening

    @rule(key=keys, limit=limits)
    def a_limit_is_changed(self, key: str, limit: int | None) -> None:
        self.limits[key] = limit

    @precondition(lambda self: self.books.counters)
    @rule(key=keys)
    def a_counter_is_evicted(self, key: str) -> None:
        self.do(self.redis.execute(["DEL", key]))
        self.books.evict(key)

    @rule(step=st.sampled_from([-5_000_000, -1, 1, 1_000_000, 30_000_000]))
    def the_clock_steps(self, step: int) -> None:
        self.now_us += step
        self.do(self.redis.set_time(self.now_us))

    # ── what must be so ──────────────────────────────────────────────────────────────────────

    @invariant()
    def redis_says_what_the_oracle_says(self) -> None:
        found = self.do(everything(self.redis))
        assert self.counters_by_the_oracle() == counters_in(found)
        held = {id_ for id_, hold in self.books.holds.items() if hold.state == "held"}
        assert held == set(found["holds:0"].value if held else {})  # type: ignore[call-overload]
        rows = [(row.id, row.spend) for row in self.books.stream]
        assert rows == rows_in(found)

    def counters_by_the_oracle(self) -> dict[str, tuple[int, int, int]]:
        return {
            key: (counter.since, counter.spent, counter.reserved)
            for key, counter in self.books.counters.items()
        }

    def teardown(self) -> None:
        """Let everything come to rest: then counters are the ledger, and nothing is reserved."""
        for request in self.books.holds:
            self.sweep(request)
        self.redis_says_what_the_oracle_says()
        for key, counter in self.books.counters.items():
            assert 0 == counter.reserved
            assert self.books.truth(key, counter.since) == counter.spent


def counters_in(found: dict[str, Value]) -> dict[str, tuple[int, int, int]]:
    counters: dict[str, tuple[int, int, int]] = {}
    for key in found.keys() & {KEY, TEAM}:
        fields = found[key].value
        assert isinstance(fields, dict)
        assert not found[key].expires
        since, spent, reserved = (int(fields[name]) for name in ("since", "spent", "reserved"))
        counters[key] = since, spent, reserved
    return counters


def rows_in(found: dict[str, Value]) -> list[tuple[str, int]]:
    entries = found[LEDGER].value if LEDGER in found else []
    assert isinstance(entries, list)
    fields = [dict(zip(words[::2], words[1::2], strict=True)) for _, words in entries]
    return [(row["id"], int(row["spend"])) for row in fields]


@pytest.fixture
def machine(door: DoorThread) -> Iterator[type[BooksMachine]]:
    loop = asyncio.new_event_loop()
    http = Client()
    redis = TimedRedis(Redis(http, door.url, door.token, try_seconds=10))
    found = type("Machine", (BooksMachine,), {"loop": loop, "redis": redis, "door": door})
    yield found
    loop.run_until_complete(http.close())
    loop.close()


def profile(examples: int, steps: int) -> settings:
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )


def test_the_books_balance(machine: type[BooksMachine]) -> None:
    run_state_machine_as_test(machine, settings=profile(50, 40), _min_steps=30)


@pytest.mark.slow
def test_the_books_balance_for_long(machine: type[BooksMachine]) -> None:
    run_state_machine_as_test(machine, settings=profile(150, 80), _min_steps=50)
