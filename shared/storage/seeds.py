"""What a budget counter that Redis does not have starts from (DESIGN: SEED)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, cast

from shared.domain import Scope
from shared.storage.columns import millis, nanodollars
from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal

    from shared.domain import Millis, Nanodollars
    from shared.storage.policies import Entity
    from shared.storage.postgres import Runs

_SQL: Final = load("seeds")
_SHARD: Final = 0


@dataclass(frozen=True, slots=True)
class Seed:
    """What an entity has spent since its period began, by the rows up to `position` of the ledger.

    `position` is a stream id; "0-0" when nothing was ever booked.
    """

    scope: Scope
    entity_id: str
    since: Millis
    spend: Nanodollars
    position: str


async def budget_seeds(db: Runs, entities: Sequence[Entity]) -> list[Seed]:
    """Return a seed for each of the entities that exists, in no order; all of one snapshot."""
    rows = await db.all(
        _SQL["budget_seeds"],
        shard=_SHARD,
        scopes=[scope.value for scope, _ in entities],
        entity_ids=[entity_id for _, entity_id in entities],
    )
    return [_seed(row) for row in cast("list[_Columns]", rows)]


class _Columns(TypedDict):
    scope: str
    entity_id: str
    spend: Decimal
    budget_started_at: datetime
    position: str


def _seed(row: _Columns) -> Seed:
    return Seed(
        scope=Scope(row["scope"]),
        entity_id=row["entity_id"],
        since=millis(row["budget_started_at"]),
        spend=nanodollars(row["spend"]),
        position=row["position"],
    )
