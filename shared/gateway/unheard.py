"""What is owed when admit may have taken room for a call that will not be made.

Its reply was lost, or its caller has gone. Without a word the sweeper would find that hold and
charge all that it reserved, though no provider was asked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import Nanodollars
from shared.errors import GatewayError, RedisDown
from shared.gateway.booking import book
from shared.gateway.finishing import finish
from shared.limits.budgets import since_of
from shared.spend.ids import correction_id
from shared.spend.row import Ending, render_row
from shared.storage.admission import Admitted
from shared.storage.plans import Settlement
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from shared.domain import Call, Principal
    from shared.gateway.gateway import Gateway
    from shared.storage.admission import AdmitReply
    from shared.storage.plans import Place, Plan


@dataclass(frozen=True, slots=True)
class Asked:
    """What admit was asked for, and by whom."""

    gateway: Gateway
    principal: Principal
    call: Call
    plan: Plan


@dataclass(slots=True)
class Unheard:
    """The room that Redis holds, or may hold, for a call that nothing else is known of."""

    _asked: Asked | None = None
    _place: Place | None = None

    async def hear(self, asked: Asked, admitting: Coroutine[None, None, AdmitReply]) -> AdmitReply:
        """Return admit's reply; a caller who leaves meanwhile is gone once it is known."""
        return await finish(self._hear(asked, admitting))

    async def _hear(self, asked: Asked, admitting: Coroutine[None, None, AdmitReply]) -> AdmitReply:
        self._asked, self._place = asked, None
        try:
            reply = await admitting
        except (RedisDown, RedisRefused) as error:
            if isinstance(error, RedisRefused) or not error.may_have_happened:
                self._asked = None
            raise
        if isinstance(reply, Admitted) and not reply.is_hit:
            self._place = asked.plan.candidates[reply.choice].place
        else:
            self._asked = None
        return reply

    async def book_nothing(self, error: BaseException) -> None:
        """Give the room back and say in the ledger that the call cost nothing; `error` ended it."""
        if self._asked is None:
            return
        asked, self._asked = self._asked, None
        told = error if isinstance(error, GatewayError) else None
        ending = Ending(
            status="failure",
            at=asked.gateway.clock.now(),
            error_type=told.type if told else None,
            error_status=told.status if told else None,
        )
        nothing = Settlement(
            cost=Nanodollars(0),
            prompt_tokens=0,
            completion_tokens=0,
            row=render_row(asked.call, asked.principal, since_of(asked.plan.budgets), ending),
            correction_id=correction_id(asked.call.id),
            outcome=None,
            place=self._place,
        )
        await book(asked.gateway, asked.plan, nothing)
