"""What a budget counter that Redis does not have starts from (DESIGN: SEED)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, cast

from shared.domain import Scope
from shared.storage.columns import millis, nanodollars
from shared.storage.plans import Bearer
from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from shared.domain import Millis, Nanodollars
    from shared.storage.postgres import Runs

_SQL: Final = load("seeds")
_SHARD: Final = 0


@dataclass(frozen=True, slots=True)
class Seed:
    """What was spent since a period began."""

    since: Millis
    spend: Nanodollars


@dataclass(frozen=True, slots=True)
class Seeds:
    """What is known of budgets by the rows up to `position` of the ledger, all of one snapshot.

    `position` is a stream id; "0-0" when nothing was ever booked. A budget that is missing has no
    row: nobody has that id, or nothing was ever spent in that window.
    """

    position: str
    by_bearer: Mapping[Bearer, Seed]


async def budget_seeds(db: Runs, bearers: Sequence[Bearer]) -> Seeds:
    """Return what Postgres knows of these budgets."""
    found = await db.all(
        _SQL["budget_seeds"],
        shard=_SHARD,
        scopes=[bearer.scope.value for bearer in bearers],
        entity_ids=[bearer.entity_id for bearer in bearers],
        windows=["-" if bearer.is_own else f"w{bearer.window}" for bearer in bearers],
    )
    rows = cast("list[_Columns]", found)
    return Seeds(
        position=rows[0]["position"],
        by_bearer={
            Bearer(Scope(row["scope"]), row["entity_id"], row["name"]): Seed(
                millis(row["budget_started_at"]), nanodollars(row["spend"])
            )
            for row in rows
            if row["scope"] is not None
        },
    )


class _Columns(TypedDict):
    position: str
    scope: str | None
    entity_id: str
    name: str
    spend: Decimal
    budget_started_at: datetime
