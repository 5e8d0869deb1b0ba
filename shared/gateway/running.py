"""One admitted call: what it holds, where it is being asked, what it has used so far."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.domain import Endpoint, Nanodollars, Scope, Usage
from shared.errors import RedisDown
from shared.gateway.booking import book
from shared.gateway.response_ids import sealed_ids
from shared.limits.budgets import since_of
from shared.limits.windows import MINUTE
from shared.providers.heads import told_headers
from shared.routing.strategies import Sample
from shared.spend.cost import cost
from shared.spend.ids import correction_id
from shared.spend.row import Ending, render_row
from shared.spend.tokens import tokens_of_bytes
from shared.storage.admission import renew
from shared.storage.key_names import encode_id
from shared.storage.plans import HOLD_LIFE_MS, Cooling, Outcome, Settlement
from shared.storage.redis import RedisRefused
from shared.wire.frames import publicly_named

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Deployment, JsonObject, Millis, Principal
    from shared.errors import GatewayError
    from shared.gateway.caching import Caching
    from shared.gateway.gateway import Gateway
    from shared.gateway.quotes import Quote
    from shared.gateway.timings import Timings
    from shared.providers.dialect import Reply, StreamEvent
    from shared.storage.admission import Admitted
    from shared.storage.plans import Keeping, Place, Plan

NOTHING = Nanodollars(0)
RENEW_EVERY_SECONDS = HOLD_LIFE_MS / 2000


@dataclass(slots=True)
class Running:
    """What is known of one call between admit and settle. It settles once, however often asked."""

    gateway: Gateway
    call: Call
    principal: Principal
    plan: Plan
    quotes: tuple[Quote, ...]
    admitted: Admitted
    timings: Timings
    caching: Caching | None = None
    first_turn: int = 0
    """The turn at which the plan's candidates begin."""
    is_held: bool = True
    """Whether Redis holds room for it; else it passed without (without_redis.py)."""
    current: int = 0
    tried: list[int] = field(default_factory=list[int])
    usage: Usage | None = None
    text_bytes: int = 0
    is_answering: bool = False
    """Whether the provider began to answer: from then on it bills."""
    response_id: str | None = None
    first_byte_at: Millis | None = None
    vendor_headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the answering vendor's headers tell the caller (told_headers)."""
    error: GatewayError | None = None
    cost: Nanodollars = NOTHING
    place: Place | None = None
    hedge_place: Place | None = None
    """Where else it is being asked (hedging.py)."""
    _began: float = 0.0
    _first_ms: float | None = None
    _latest_ms: float = 0.0
    _unbooked: Outcome | None = None
    _is_settled: bool = False
    _renewal: asyncio.TimerHandle | asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        """Start where admit said, and keep the hold alive should the call take minutes.

        What the cache answers holds nothing, and its row is booked.
        """
        if self.admitted.is_hit:
            self._is_settled = True
            return
        choice = self.admitted.choice
        self.turn_to(self.first_turn + choice, self.plan.candidates[choice].place)
        loop = asyncio.get_running_loop()
        self._renewal = loop.call_later(RENEW_EVERY_SECONDS, self._start_renewing)

    @property
    def quote(self) -> Quote:
        """The current deployment with its price."""
        return self.quotes[self.current]

    @property
    def deployment(self) -> Deployment:
        """Where the call is being asked."""
        return self.quote.deployment

    @property
    def named(self) -> str:
        """The model as its caller names it, or the fallback that stands in for it."""
        group = self.quote.group
        return self.call.model if group == self.quotes[0].group else group

    @property
    def spent_before(self) -> Nanodollars | None:
        """What the key had spent when the call came; None for the master key."""
        for line, spent in zip(self.plan.budgets, self.admitted.spent, strict=False):
            if line.bearer.scope is Scope.KEY and line.bearer.is_own:
                return spent
        return None

    def turn_to(self, index: int, place: Place) -> None:
        """Ask another deployment from now on, where `place` was taken."""
        self.current = index
        self.place = place
        self.tried.append(index)
        self.error = None
        self._unbooked = self.outcome(failed=False)

    def take_over(self, other: Running) -> None:
        """Go on where a copy of this call was asked."""
        self.current, self.place = other.current, other.place
        self.first_byte_at, self._began = other.first_byte_at, other._began
        self.vendor_headers = other.vendor_headers
        self._unbooked = self.outcome(failed=False)

    @property
    def waited_ms(self) -> float:
        """How long ago the attempt began."""
        return (time.perf_counter() - self._began) * 1000

    def answers_from(self, headers: Mapping[str, str]) -> None:
        """Note that the provider answers, and what its headers tell."""
        self.first_byte_at = self.gateway.clock.now()
        if self.call.endpoint is not Endpoint.PASS_THROUGH:  # there they are passed on as they are
            self.vendor_headers = told_headers(headers)

    def begin(self) -> None:
        """Start the clock of an attempt."""
        self._began, self._first_ms, self._latest_ms = time.perf_counter(), None, 0.0

    def outcome(
        self,
        *,
        failed: bool,
        cooling: Cooling = Cooling(),  # noqa: B008 - frozen
        sample: str = "",
    ) -> Outcome:
        """Say how the current deployment did, in this minute's window."""
        return Outcome(
            window_key=MINUTE.key("deployment", self.deployment.id, self.gateway.clock.now()),
            cooldown_key=f"cooldown:{encode_id(self.deployment.id)}",
            failed=failed,
            cooling=cooling,
            place=self.place,
            sample=sample,
        )

    def fail(self, error: GatewayError | None, outcome: Outcome | None = None) -> None:
        """Note why the call ends without its whole answer; `outcome` is still to be booked."""
        self.error = error
        self._unbooked = outcome

    def take(self, reply: Reply) -> None:
        """Read off a whole answer what will be billed."""
        self._tick()
        self.is_answering = True
        self.usage = reply.usage
        self.text_bytes = reply.text_bytes
        self.response_id = reply.response_id

    def observe(self, event: StreamEvent) -> None:
        """Read off a stream's event what will be billed."""
        self._tick()
        self.is_answering = True
        self.text_bytes += event.text_bytes
        self.usage = event.usage or self.usage
        self.response_id = self.response_id or event.response_id
        if self.caching is not None:
            self.caching.observe(event)

    def _tick(self) -> None:
        self._latest_ms = (time.perf_counter() - self._began) * 1000
        self._first_ms = self._latest_ms if self._first_ms is None else self._first_ms

    def _sample(self, usage: Usage) -> str:
        """Measure a whole answer; one that broke off tells nothing."""
        if self.error is not None or self._first_ms is None or self._unbooked is None:
            return ""
        first = self._first_ms if self.call.is_stream else None
        return Sample.of(self._latest_ms, usage.completion_tokens, first).text

    def billed_usage(self) -> Usage:
        """Return the provider's count, else our own of what it has sent."""
        if self.usage is not None:
            return self.usage
        if not self.is_answering:
            return Usage()
        return Usage(
            prompt_tokens=self.plan.tokens,
            completion_tokens=tokens_of_bytes(self.text_bytes),
            is_estimated=True,
        )

    def billed_cost(self) -> Nanodollars:
        """Return what the call costs by what is known of its usage.

        Nothing where no price is known, or nobody answered: not even what each request costs.
        """
        price = self.quote.price
        return cost(price, self.billed_usage()) if price and self.is_answering else NOTHING

    def shown(self, data: JsonObject) -> JsonObject:
        """Return an answer or an event as its caller may see it: our names, our ids."""
        call = self.call
        named = publicly_named(call.endpoint, data, self.named)
        if call.endpoint is not Endpoint.RESPONSES:
            return named
        stored_for = self.principal, self.gateway.settings.master_key
        return sealed_ids(named, self.deployment.id, *stored_for)

    async def settle(self) -> None:
        """Give back the hold and book what the call cost."""
        if self._is_settled:
            return
        self._is_settled = True
        if self._renewal is not None:
            self._renewal.cancel()
        usage = self.billed_usage()
        self.cost = self.billed_cost()
        settlement = Settlement(
            cost=self.cost,
            prompt_tokens=usage.prompt_tokens,
            completion_tokens=usage.completion_tokens,
            row=self._row(usage),
            correction_id=correction_id(self.call.id),
            outcome=self._unbooked,
            place=self.place,
            sample=self._sample(usage),
            keeping=self._keeping(usage),
        )
        with self.timings.step("settle"):
            await book(self.gateway, self.plan, settlement)
        self.gateway.exposure.settle(self.call.id, self.cost, self.gateway.clock.now())

    def _keeping(self, usage: Usage) -> Keeping | None:
        """Say what the cache is left: an answer of the model that was asked for, if it is whole."""
        if self.caching is None:
            return None
        is_good = self.error is None and self.quote.group == self.quotes[0].group
        return self.caching.keeping(self.gateway.clock.now(), usage if is_good else None)

    def _row(self, usage: Usage) -> str:
        error = self.error
        ending = Ending(
            status="success" if error is None else "failure",
            at=self.gateway.clock.now(),
            response_id=self.response_id,
            model_group=self.named,
            deployment=self.deployment,
            first_byte_at=self.first_byte_at,
            usage=usage,
            is_priced=self.quote.price is not None,
            attempts=len(self.tried),
            error_type=error.type if error else None,
            error_status=error.status if error else None,
            cache_key=self.caching.lookup.name if self.caching else None,
        )
        return render_row(self.call, self.principal, since_of(self.plan.budgets), ending)

    def _start_renewing(self) -> None:
        self._renewal = asyncio.get_running_loop().create_task(self._renew())

    async def _renew(self) -> None:
        """Renew until settled, or until the sweeper was first: then a correction settles it."""
        is_held = True
        while is_held:
            try:
                is_held = await renew(self.gateway.stores.redis, self.plan, self.place)
                if self.hedge_place is not None:
                    await renew(self.gateway.stores.redis, self.plan, self.hedge_place)
            except (RedisDown, RedisRefused):
                is_held = True  # half of the hold's life is left for the next try
            await asyncio.sleep(RENEW_EVERY_SECONDS)
