"""What admit, attempt and settle are told: plain values, made by limits, sent by admission."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from shared.domain import Scope
from shared.storage.key_names import encode_id

if TYPE_CHECKING:
    from shared.domain import Absent, Millis, Nanodollars, Policy

HOLD_LIFE_MS = 120_000
"""How long a hold lives without a sign of its function; a running call renews at half time."""


Counted = Literal["total", "input", "output"]
"""Which tokens a limit of tokens counts (`general_settings.token_rate_limit_type`)."""


@dataclass(frozen=True, slots=True)
class Bearer:
    """Whose budget or limit it is; of several budgets of an entity, `window` says which.

    `-` is the entity's own, kept in its row. All others (`1h`, `1d/gpt-4o`, `-/gpt-4o`) are sums
    of ledger rows.
    """

    scope: Scope
    entity_id: str
    window: str = "-"

    @property
    def is_own(self) -> bool:
        """Whether the entity's own row keeps the sum."""
        return self.window == "-" and self.scope is not Scope.PROXY

    @property
    def budget_key(self) -> str:
        """Name the counter: `budget:{scope}:{entity_id}:{window}`."""
        return f"budget:{self.scope}:{encode_id(self.entity_id)}:{encode_id(self.window)}"

    @property
    def lease_key(self) -> str:
        """Name the set of running calls: `parallel:{scope}:{entity_id}`."""
        return f"parallel:{self.scope}:{encode_id(self.entity_id)}"


NOBODY = Bearer(Scope.KEY, "")


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """One budget counter: its Redis key, the period it must be in, and what it may reach.

    `limit` None is a counter that is only charged if it exists. `refuses_at_limit` is LiteLLM's
    ≥ (key, user, organization, member) as against its > (all others).
    """

    key: str
    since: Millis
    opening: Nanodollars
    limit: Nanodollars | None
    refuses_at_limit: bool
    bearer: Bearer = NOBODY


@dataclass(frozen=True, slots=True)
class RateLine:
    """One entity's requests and tokens in a trailing minute, hour or day.

    `current_key` is the window that the calendar is in, `previous_key` the one before. A window is
    counted in sixtieths of `step_ms`, in fields that begin with `prefix`.
    """

    current_key: str
    previous_key: str
    requests: int | None
    tokens: int | None
    step_ms: int = 1_000
    prefix: str = ""
    counted: Counted = "total"
    bearer: Bearer = NOBODY


@dataclass(frozen=True, slots=True)
class LeaseLine:
    """One entity's parallel requests."""

    key: str
    limit: int
    bearer: Bearer = NOBODY


@dataclass(frozen=True, slots=True)
class Place:
    """Where the state of one deployment stands in Redis, in the minute of a call."""

    cooldown_key: str
    parallel_key: str
    active_key: str
    latency_key: str
    current_key: str
    previous_key: str

    @property
    def keys(self) -> tuple[str, ...]:
        """What choosing it reads and takes."""
        return (
            self.cooldown_key,
            self.parallel_key,
            self.active_key,
            self.latency_key,
            self.current_key,
            self.previous_key,
        )

    @property
    def left_keys(self) -> tuple[str, ...]:
        """What leaving it changes."""
        return self.parallel_key, self.active_key, self.latency_key, self.current_key


SENT = "sent"
"""The strategy that takes candidates in the order in which they were sent."""


@dataclass(frozen=True, slots=True)
class CandidateLine:
    """A deployment that may take the call, what must be reserved for it, and what it can bear.

    Candidates come by ascending `level`; within one, `strategy` (lua/places.lua) decides among
    those that have room.
    """

    place: Place
    reservation: Nanodollars
    level: int = 0
    strategy: str = SENT
    max_parallel: int | None = None
    rpm: int | None = None
    tpm: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheLine:
    """Where the answer to a call may be already, and the row that says it was given from there.

    `ask_alone_ms`: for how long equal calls wait while this one asks; None lets them ask as well.
    `known_tokens` are those of a hit that was found in a database of its own; then there are no
    keys to look for.
    """

    keys: tuple[str, ...]
    row: str
    max_age_ms: int | None = None
    ask_alone_ms: int | None = None
    known_tokens: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An entry of the cache as it is written."""

    key: str
    life_ms: int
    text: str


@dataclass(frozen=True, slots=True)
class Keeping:
    """What a call leaves in the cache, if anything; equal calls no longer wait for it."""

    asked_key: str
    entries: tuple[Kept, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """What the ledger will say should nobody ever settle the call."""

    row: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that one admit checks and takes, valid while Redis's clock is in its window."""

    request_id: str
    valid_from: Millis
    valid_until: Millis
    policies: tuple[Policy | Absent, ...]
    budgets: tuple[BudgetLine, ...]
    rates: tuple[RateLine, ...]
    leases: tuple[LeaseLine, ...]
    candidates: tuple[CandidateLine, ...]
    tokens: int
    lost: Lost
    cache: CacheLine | None = None


@dataclass(frozen=True, slots=True)
class Switch:
    """What changes when another model takes a call: its own limits in the place of the first's.

    `left` are positions among the plan's budgets; `row` is the ledger's should nobody settle it.
    """

    budgets: tuple[BudgetLine, ...]
    rates: tuple[RateLine, ...]
    left: tuple[int, ...]
    row: str

    def applied(self, plan: Plan) -> Plan:
        """Return the plan as it stands afterwards. What was counted against rates stays."""
        kept = (line for i, line in enumerate(plan.budgets) if i not in self.left)
        return replace(
            plan,
            budgets=(*kept, *self.budgets),
            rates=(*plan.rates, *self.rates),
            lost=replace(plan.lost, row=self.row),
        )


COUNT_ALONE = -1
"""In the place of a percentage: only the number of failures decides."""


@dataclass(frozen=True, slots=True)
class Cooling:
    """How a failure counts against its deployment.

    `seconds` 0 never cools. `at_once` cools on this failure; otherwise more than `percent` of at
    least `least_requests` requests in the minute must have failed. With `percent` COUNT_ALONE,
    that many failures are enough, whatever else went well.
    """

    seconds: float = 0.0
    at_once: bool = False
    least_requests: int = 5
    percent: int = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one deployment did: booked in its minute's window."""

    window_key: str
    cooldown_key: str
    failed: bool
    cooling: Cooling = Cooling()
    place: Place | None = None
    sample: str = ""
    """How long it took (lua/places.lua), where that tells something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What a call really cost, and the row that says so."""

    cost: Nanodollars
    prompt_tokens: int
    completion_tokens: int
    row: str
    correction_id: str
    outcome: Outcome | None
    place: Place | None = None
    sample: str = ""
    keeping: Keeping | None = None
