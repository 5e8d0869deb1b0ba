"""Budgets that press, and the alerts that were noted and sent about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, cast

import orjson

from shared.domain import Scope
from shared.storage.columns import dollars, millis, moment, nanodollars
from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from decimal import Decimal
    from uuid import UUID

    from shared.domain import JsonObject, Millis, Nanodollars
    from shared.storage.postgres import Runs

_SQL: Final = load("budget_alerts")


@dataclass(frozen=True, slots=True, kw_only=True)
class SpentBudget:
    """What somebody has spent of a budget, in which period, and who they are to people."""

    scope: Scope
    entity_id: str
    spend: Nanodollars
    started_at: Millis
    max_budget: Nanodollars | None = None
    soft_budget: Nanodollars | None = None
    reset_at: Millis | None = None
    alias: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    user_email: str | None = None
    team_alias: str | None = None


@dataclass(frozen=True, slots=True)
class ProxyBudget:
    """The budget of everything the proxy serves; its sum is that of a window."""

    limit: Nanodollars | None
    window: str
    reset_at: Millis | None


@dataclass(frozen=True, slots=True)
class NewAlert:
    """One thing to tell of a budget; `body` is what is sent."""

    budget: SpentBudget
    event: str
    limit: Nanodollars
    body: JsonObject


@dataclass(frozen=True, slots=True)
class UnsentAlert:
    """An alert on its way, and where it was sent already."""

    id: UUID
    body: JsonObject
    sent_to: tuple[str, ...]


async def pressing_budgets(
    db: Runs, now: Millis, proxy: ProxyBudget, most: int, after: SpentBudget | None = None
) -> list[SpentBudget]:
    """Return a page of the budgets about which there may be something to tell, after one."""
    rows = await db.all(
        _SQL["pressing_budgets"],
        now=moment(now),
        proxy_budget=None if proxy.limit is None else dollars(proxy.limit),
        proxy_window=proxy.window,
        proxy_reset_at=None if proxy.reset_at is None else moment(proxy.reset_at),
        after_scope="" if after is None else after.scope.value,
        after_id="" if after is None else after.entity_id,
        most=most,
    )
    return [_budget(row) for row in cast("list[_Columns]", rows)]


async def note_alerts(db: Runs, alerts: Sequence[NewAlert]) -> int:
    """Note alerts to be sent; return how many were not noted before."""
    records = [
        {
            "scope": alert.budget.scope.value,
            "entity_id": alert.budget.entity_id,
            "event": alert.event,
            "started_ms": alert.budget.started_at,
            "budget_limit": str(dollars(alert.limit)),
            "body": alert.body,
        }
        for alert in alerts
    ]
    return await db.run(_SQL["note_alerts"], alerts=orjson.dumps(records).decode())


async def claim_alerts(db: Runs, most: int) -> list[UnsentAlert]:
    """Take alerts that are to be sent; nobody else takes them for two minutes."""
    rows = await db.all(_SQL["claim_alerts"], most=most)
    return [
        UnsentAlert(row["id"], row["body"], tuple(row["sent_to"]))
        for row in cast("list[_Unsent]", rows)
    ]


async def mark_sent(db: Runs, alert: UnsentAlert, sent_to: Sequence[str], *, is_all: bool) -> None:
    """Note where an alert was sent."""
    await db.run(_SQL["mark_sent"], id=alert.id, sent_to=list(sent_to), is_all=is_all)


def _budget(row: _Columns) -> SpentBudget:
    return SpentBudget(
        scope=Scope(row["scope"]),
        entity_id=row["entity_id"],
        spend=nanodollars(row["spend"]),
        started_at=millis(row["budget_started_at"]),
        max_budget=nanodollars(row["max_budget"]),
        soft_budget=nanodollars(row["soft_budget"]),
        reset_at=millis(row["reset_at"]),
        alias=row["alias"],
        user_id=row["user_id"],
        team_id=row["team_id"],
        user_email=row["user_email"],
        team_alias=row["team_alias"],
    )


class _Columns(TypedDict):
    scope: str
    entity_id: str
    alias: str | None
    user_id: str | None
    team_id: str | None
    spend: Decimal
    budget_started_at: datetime
    max_budget: Decimal | None
    soft_budget: Decimal | None
    reset_at: datetime | None
    user_email: str | None
    team_alias: str | None


class _Unsent(TypedDict):
    id: UUID
    body: JsonObject
    sent_to: list[str]
