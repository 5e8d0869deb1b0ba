"""What budgets, holds and ledger must say, in plain Python: the oracle beside the scripts.

Where the scripts keep numbers and marks, this keeps who reserved what where, and adds it up anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

State = Literal["held", "settled", "lost", "corrected"]


class Line(NamedTuple):
    """One budget of a call: its counter, the period, and its limit (None: only charged)."""

    key: str
    since: int
    limit: int | None


@dataclass(eq=False)
class Counter:
    """One budget's counter; `carried` says which call reserved how much in it."""

    since: int
    spent: int
    carried: dict[str, int] = field(default_factory=dict)

    @property
    def reserved(self) -> int:
        return sum(self.carried.values())

    def bears(self, amount: int, limit: int) -> bool:
        return self.spent + self.reserved + amount <= limit


@dataclass
class Hold:
    """One call that was admitted; `seen` are the counters that stood then, as they were made."""

    lines: tuple[Line, ...]
    amount: int
    seen: dict[str, Counter]
    state: State = "held"
    charged: int = 0


class Row(NamedTuple):
    """One row of the ledger."""

    id: str
    spend: int
    since: dict[str, int]


@dataclass
class Books:
    """All counters, holds and rows; `opening` is what a period began with."""

    opening: dict[tuple[str, int], int] = field(default_factory=dict)
    counters: dict[str, Counter] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    stream: list[Row] = field(default_factory=list)
    postgres: dict[str, Row] = field(default_factory=dict)

    def admit(self, request: str, lines: tuple[Line, ...], amount: int) -> str:
        """Say OK, BUDGET or SEED, as admit must; OK takes the room."""
        missing = False
        for line in lines:
            standing = self.counters.get(line.key)
            if line.limit is None:
                continue
            if standing is None or standing.since > line.since:
                missing = True
            elif not self._as_of(line, standing).bears(amount, line.limit):
                return "BUDGET"
        if missing:
            return "SEED"
        seen: dict[str, Counter] = {}
        for line in lines:
            if (standing := self.counters.get(line.key)) is not None:
                seen[line.key] = self.counters[line.key] = self._as_of(line, standing)
                if line.limit is not None:
                    seen[line.key].carried[request] = amount
        self.holds[request] = Hold(lines, amount, seen)
        return "OK"

    def _as_of(self, line: Line, standing: Counter) -> Counter:
        if standing.since >= line.since:
            return standing
        return Counter(line.since, self.opening.get((line.key, line.since), 0))

    def attempt(self, request: str, amount: int) -> bool:
        """Say whether a candidate of this price fits; take what it needs more."""
        hold = self.holds[request]
        extra = amount - hold.amount
        if extra <= 0:
            return True
        carrying = [
            (line, self.counters[line.key])
            for line in hold.lines
            if line.limit is not None and self._carries(hold, line.key)
        ]
        if not all(counter.bears(extra, line.limit or 0) for line, counter in carrying):
            return False
        for _, counter in carrying:
            counter.carried[request] += extra
        hold.amount = amount
        return True

    def _carries(self, hold: Hold, key: str) -> bool:
        return key in self.counters and self.counters[key] is hold.seen.get(key)

    def settle(self, request: str, cost: int, correction: str) -> bool:
        """Book what a call cost; False when it had been booked."""
        hold = self.holds[request]
        if hold.state == "lost":
            self._charge(request, cost - hold.charged)
            self._append(correction, hold, cost - hold.charged)
            hold.state = "corrected"
            return True
        return self._end(request, cost, "settled")

    def lose(self, request: str) -> bool:
        """Book a call that nobody settled at what it reserved."""
        return self._end(request, self.holds[request].amount, "lost")

    def _end(self, request: str, cost: int, state: State) -> bool:
        hold = self.holds[request]
        if hold.state != "held":
            return False
        self._charge(request, cost)
        self._append(request, hold, cost)
        hold.state, hold.charged = state, cost
        return True

    def find_booked(self, request: str) -> bool:
        """End a call whose row reached Postgres past Redis."""
        hold = self.holds[request]
        if hold.state != "held":
            return False
        for line in hold.lines:
            standing = self.counters.get(line.key)
            is_of_ours = standing is not None and standing.since <= line.since
            if is_of_ours and not self._carries(hold, line.key):
                # Whoever made it may have counted the row already, or not.
                del self.counters[line.key]
        self._charge(request, self.postgres[request].spend)
        hold.state = "settled"
        return True

    def _charge(self, request: str, spend: int) -> None:
        hold = self.holds[request]
        for line in hold.lines:
            counter = self.counters.get(line.key)
            if counter is None:
                continue
            counter.carried.pop(request, None)
            if counter.since == line.since:
                counter.spent += spend
            elif counter.since < line.since:
                del self.counters[line.key]

    def _append(self, row_id: str, hold: Hold, spend: int) -> None:
        self.stream.append(Row(row_id, spend, {line.key: line.since for line in hold.lines}))

    def book_past_redis(self, request: str, cost: int) -> None:
        """Write the row straight to Postgres; its hold waits for the sweeper."""
        hold = self.holds[request]
        since = {line.key: line.since for line in hold.lines}
        self.postgres[request] = Row(request, cost, since)

    def drain(self, most: int) -> int:
        """Move the oldest rows to Postgres; return how many."""
        moved, self.stream = self.stream[:most], self.stream[most:]
        for row in moved:
            self.postgres.setdefault(row.id, row)
        return len(moved)

    def evict(self, key: str) -> None:
        """Lose a counter."""
        self.counters.pop(key, None)

    def column(self, key: str, since: int) -> int:
        """Return what Postgres knows was spent in a period."""
        known = sum(row.spend for row in self.postgres.values() if row.since.get(key) == since)
        return self.opening.get((key, since), 0) + known

    def truth(self, key: str, since: int) -> int:
        """Return what was spent in a period, wherever its rows are."""
        waiting = (row for row in self.stream if row.id not in self.postgres)
        on_the_way = sum(row.spend for row in waiting if row.since.get(key) == since)
        return self.column(key, since) + on_the_way

    def seed(self, key: str, since: int) -> None:
        """Make a missing counter, or one of a later period."""
        standing = self.counters.get(key)
        if standing is None or standing.since > since:
            self.counters[key] = Counter(since, self.truth(key, since))
