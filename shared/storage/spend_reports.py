"""What was spent, from the daily rollups: no report reads the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from shared.storage.statements import load
from shared.wire.admin_reports import DaySplit, DetailSum, KeyName, NameSum

if TYPE_CHECKING:
    from datetime import date

    from shared.storage.postgres import Runs

_SQL: Final = load("spend_reports")

Kind = Literal["user", "team", "organization", "customer", "tag"]
Split = Literal["model", "provider", "api_key", "entity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFilter:
    """Which days of which rollup, and whose; None asks for everybody's."""

    kind: Kind
    first_day: date
    last_day: date
    entity_ids: tuple[str, ...] | None = None
    api_key: str | None = None
    model: str | None = None


async def sum_by_day(db: Runs, which: ReportFilter, size: int) -> list[DaySplit]:
    """Return each day's sums, whole and split, newest first."""
    rows = await db.all(_SQL["sum_by_day"], **_params(which), model=which.model, size=size)
    return [DaySplit.model_validate(row) for row in rows]


async def sum_by_name(db: Runs, which: ReportFilter, split: Split, size: int) -> list[NameSum]:
    """Return the sums of models, providers, keys or entities, dearest first."""
    rows = await db.all(_SQL["sum_by_name"], **_params(which), split=split, size=size)
    return [NameSum.model_validate(row) for row in rows]


async def sum_in_detail(db: Runs, which: ReportFilter, size: int) -> list[DetailSum]:
    """Return the sums of each day, entity, key and model."""
    rows = await db.all(_SQL["sum_in_detail"], **_params(which), size=size)
    return [DetailSum.model_validate(row) for row in rows]


async def total_spend(db: Runs) -> object:
    """Return all that was ever spent, in dollars."""
    row = await db.one(_SQL["total_spend"])
    return row["spend"] if row else 0


async def tag_names(db: Runs, size: int) -> list[str]:
    """Return every tag that something was spent under."""
    return [str(row["tag"]) for row in await db.all(_SQL["tag_names"], size=size)]


async def key_names(db: Runs, tokens: list[str]) -> dict[str, KeyName]:
    """Return what keys are called, by hash."""
    rows = await db.all(_SQL["key_names"], tokens=tokens)
    names = [KeyName.model_validate(row) for row in rows]
    return {name.token: name for name in names}


async def team_names(db: Runs, team_ids: list[str]) -> dict[str, str]:
    """Return what teams are called, by id; their id where they have no name."""
    rows = await db.all(_SQL["team_names"], team_ids=team_ids)
    return {str(row["team_id"]): str(row["team_alias"] or row["team_id"]) for row in rows}


async def ids_after(db: Runs, what: Literal["key", "team"], after: str, size: int) -> list[str]:
    """Return some ids, to go through all keys or teams."""
    return [str(row["id"]) for row in await db.all(_SQL[f"{what}_ids"], after=after, size=size)]


def _params(which: ReportFilter) -> dict[str, object]:
    return {
        "kind": which.kind,
        "first_day": which.first_day,
        "last_day": which.last_day,
        "entity_ids": None if which.entity_ids is None else list(which.entity_ids),
        "api_key": which.api_key,
    }
