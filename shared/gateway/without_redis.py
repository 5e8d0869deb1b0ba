"""Serve a call while Redis is down, if that is wanted: bounded by what one process may risk.

Who calls is known from the last minute or from Postgres. Budgets are checked against their columns,
which lack what waits in Redis; limits of requests and tokens are not checked. Beyond all that, the
process lets no more pass than `redis_down_exposure`. The call is settled in Redis if it is back by
then, else in Postgres, else in the log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Millis, Nanodollars
from shared.errors import PostgresDown, StoreDown
from shared.gateway.running import Running
from shared.limits.refusals import refusal
from shared.observability import log
from shared.storage.admission import Admitted, NoBudget
from shared.storage.seeds import budget_seeds

if TYPE_CHECKING:
    from shared.domain import Call, Principal
    from shared.gateway.gateway import Gateway
    from shared.gateway.quotes import Quote
    from shared.gateway.timings import Timings
    from shared.limits.refusals import Refusal
    from shared.storage.plans import BudgetLine, Plan
    from shared.storage.seeds import Seeds


async def pass_without_redis(
    gateway: Gateway,
    decided: tuple[Principal, Call, tuple[Quote, ...]],
    plan: Plan,
    timings: Timings,
) -> Running:
    """Return the call, exposed instead of held; raise Refused or StoreDown when it may not pass."""
    principal, call, quotes = decided
    most = max(quote.reservation for quote in quotes)
    # First, so that whoever may not pass anyhow waits for no Postgres, which may be dead as well.
    if not gateway.exposure.take(call.id, most, gateway.config.degraded.exposure):
        raise StoreDown("Redis is down, and this process may risk no more until it is back.")
    try:
        with timings.step("grace"):
            await _check_columns(gateway, decided, plan, most)
    except BaseException:
        gateway.exposure.settle(call.id, Nanodollars(0), gateway.clock.now())
        raise
    log.warning("passed_without_redis", request_id=call.id, exposure=gateway.exposure.total)
    admitted = Admitted(at_us=gateway.clock.now() * 1000, choice=0)
    return Running(gateway, call, principal, plan, quotes, admitted, timings, is_held=False)


async def _check_columns(
    gateway: Gateway,
    decided: tuple[Principal, Call, tuple[Quote, ...]],
    plan: Plan,
    most: Nanodollars,
) -> None:
    """Refuse a call that a budget's column leaves no room for."""
    over = await _over_column(gateway, plan, most)
    if over is not None:
        status, now = gateway.config.litellm.budget_exceeded_status_code, gateway.clock.now()
        raise refusal(over, plan, *decided[:2], now, budget_status=status)


async def _over_column(gateway: Gateway, plan: Plan, most: Nanodollars) -> Refusal | None:
    """Find a budget whose column leaves no room; without Postgres too, do what was set."""
    limited = [(i, line) for i, line in enumerate(plan.budgets) if line.limit is not None]
    try:
        seeds = await budget_seeds(gateway.stores.postgres, [line.bearer for _, line in limited])
    except PostgresDown as error:
        if gateway.config.degraded.both_down == "closed":
            raise StoreDown("Redis and Postgres are down; try again in a few seconds.") from error
        return None
    for index, line in limited:
        spent = _spent(line, seeds)
        if spent + most > (line.limit or 0) or (line.refuses_at_limit and spent == line.limit):
            return NoBudget(index, spent, Nanodollars(0))
    return None


def _spent(line: BudgetLine, seeds: Seeds) -> Nanodollars:
    known = seeds.by_bearer.get(line.bearer)
    is_of_period = known is not None and known.since >= Millis(line.since)
    return known.spend if known is not None and is_of_period else line.opening
