"""Make budget counters that Redis does not have from what Postgres knows (DESIGN: SEED)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Nanodollars
from shared.errors import StoreDown
from shared.storage import admission
from shared.storage.admission import CounterSeed
from shared.storage.redis import RedisRefused
from shared.storage.seeds import budget_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.plans import BudgetLine, Plan
    from shared.storage.seeds import Seeds
    from shared.storage.stores import Stores

SNAPSHOTS = 3
"""The drain may move on while we look; it does so about once a minute."""


async def make_counters(stores: Stores, plan: Plan, missing: Sequence[int]) -> bool:
    """Make the plan's missing counters; False when Postgres knows newer policies than the plan."""
    return await make_missing(stores, [plan.budgets[i] for i in missing])


async def make_missing(stores: Stores, lines: Sequence[BudgetLine]) -> bool:
    """Make the counters of these budgets; False when Postgres knows newer policies than they."""
    for _ in range(SNAPSHOTS):
        seeds = await budget_seeds(stores.postgres, [line.bearer for line in lines])
        counters = [_counter(line, seeds) for line in lines]
        known = [counter for counter in counters if counter is not None]
        if len(known) < len(counters):
            return False
        if await _seed(stores, seeds.position, known):
            return True
    raise StoreDown("Budgets are being rebuilt; try again in a few seconds.")


def _counter(line: BudgetLine, seeds: Seeds) -> CounterSeed | None:
    known = seeds.by_bearer.get(line.bearer)
    if line.bearer.is_own and (known is None or known.since > line.since):
        return None
    # A sum of an older period has nothing in this one yet. One of a newer period can only be a
    # window's whose calendar was changed: then all of it lies in this one too.
    is_within = known is not None and known.since >= line.since
    spent = known.spend if known is not None and is_within else Nanodollars(0)
    return CounterSeed(line.key, line.since, Nanodollars(max(spent, 0)))


async def _seed(stores: Stores, position: str, counters: Sequence[CounterSeed]) -> bool:
    try:
        return await admission.seed(stores.redis, position, counters)
    except RedisRefused as error:
        raise StoreDown("Budgets are being rebuilt; try again in a few seconds.") from error
