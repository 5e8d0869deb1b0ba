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

    from shared.storage.plans import Plan
    from shared.storage.seeds import Seed
    from shared.storage.stores import Stores

SNAPSHOTS = 3
"""The drain may move on while we look; it does so about once a minute."""


async def make_counters(stores: Stores, plan: Plan, missing: Sequence[int]) -> bool:
    """Make the plan's missing counters; False when Postgres knows newer policies than the plan."""
    for _ in range(SNAPSHOTS):
        wanted = [(plan.policies[i].scope, plan.policies[i].entity_id) for i in missing]
        found = {
            (seed.scope, seed.entity_id): seed
            for seed in await budget_seeds(stores.postgres, wanted)
        }
        if any(
            entity not in found or found[entity].since > plan.budgets[i].since
            for entity, i in zip(wanted, missing, strict=True)
        ):
            return False
        counters = [
            _counter(plan, i, found[entity]) for entity, i in zip(wanted, missing, strict=True)
        ]
        position = found[wanted[0]].position
        if await _seed(stores, position, counters):
            return True
    raise StoreDown("Budgets are being rebuilt; try again in a few seconds.")


def _counter(plan: Plan, index: int, known: Seed) -> CounterSeed:
    line = plan.budgets[index]
    # A column of an older period has nothing in this one yet.
    spent = known.spend if known.since == line.since else Nanodollars(0)
    return CounterSeed(line.key, line.since, spent)


async def _seed(stores: Stores, position: str, counters: Sequence[CounterSeed]) -> bool:
    try:
        return await admission.seed(stores.redis, position, counters)
    except RedisRefused as error:
        raise StoreDown("Budgets are being rebuilt; try again in a few seconds.") from error
