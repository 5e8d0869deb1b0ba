"""What is owed when admit may have been executed though its reply never came."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Nanodollars
from shared.errors import RedisDown
from shared.gateway.booking import book
from shared.limits.budgets import since_of
from shared.spend.ids import correction_id
from shared.spend.row import Ending, render_row
from shared.storage.plans import Settlement

if TYPE_CHECKING:
    from shared.domain import Call, Principal
    from shared.gateway.gateway import Gateway
    from shared.storage.plans import Plan


async def book_nothing(gateway: Gateway, principal: Principal, call: Call, plan: Plan) -> None:
    """Say in the ledger that the call cost nothing, should admit have taken its hold unheard.

    Without this row the sweeper would find that hold and charge all that it reserved.
    """
    ending = Ending(
        status="failure",
        at=gateway.clock.now(),
        error_type=RedisDown.type,
        error_status=RedisDown.status,
    )
    nothing = Settlement(
        cost=Nanodollars(0),
        prompt_tokens=0,
        completion_tokens=0,
        row=render_row(call, principal, since_of(plan.budgets), ending),
        correction_id=correction_id(call.id),
        outcome=None,
    )
    await book(gateway, plan, nothing)
