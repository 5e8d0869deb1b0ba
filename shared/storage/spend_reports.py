"""What was spent, from the daily rollups: no report reads the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final, Literal

from shared.storage.statements import load
from shared.wire.admin_reports import (
    CallOptions,
    CallSum,
    DaySplit,
    DetailSum,
    ExportRow,
    KeyName,
    KeySum,
    MemberSum,
    NameSum,
)

if TYPE_CHECKING:
    from shared.storage.postgres import Runs

_SQL: Final = load("spend_reports")

Days = tuple[date, date]
"""The first and the last."""

Kind = Literal["user", "team", "organization", "customer", "tag"]
Split = Literal["model", "provider", "api_key", "entity"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFilter:
    """Which days of which rollup, and whose; None asks for everybody's."""

    kind: Kind
    first_day: date
    last_day: date
    entity_ids: tuple[str, ...] | None = None
    excluded_ids: tuple[str, ...] | None = None
    api_key: str | None = None
    model: str | None = None


async def sum_by_day(db: Runs, which: ReportFilter, size: int) -> list[DaySplit]:
    """Return each day's sums, whole and split, newest first."""
    excluded = None if which.excluded_ids is None else list(which.excluded_ids)
    rows = await db.all(
        _SQL["sum_by_day"], **_params(which), excluded_ids=excluded, model=which.model, size=size
    )
    return [DaySplit.model_validate(row) for row in rows]


async def export_days(db: Runs, which: ReportFilter, split: str, size: int) -> list[ExportRow]:
    """Return each day's sums of each entity, and of each of its parts that `split` names."""
    rows = await db.all(
        _SQL["export_days"], **_params(which), model=which.model, split=split, size=size
    )
    return [ExportRow.model_validate(row) for row in rows]


async def sum_by_name(db: Runs, which: ReportFilter, split: Split, size: int) -> list[NameSum]:
    """Return the sums of models, providers, keys or entities, dearest first."""
    rows = await db.all(_SQL["sum_by_name"], **_params(which), split=split, size=size)
    return [NameSum.model_validate(row) for row in rows]


async def sum_in_detail(db: Runs, which: ReportFilter, size: int) -> list[DetailSum]:
    """Return the sums of each day, entity, key and model."""
    rows = await db.all(_SQL["sum_in_detail"], **_params(which), size=size)
    return [DetailSum.model_validate(row) for row in rows]


async def sum_by_key(db: Runs, which: ReportFilter, size: int) -> list[KeySum]:
    """Return the sums of each key and model, dearest first."""
    rows = await db.all(_SQL["sum_by_key"], **_params(which), size=size)
    return [KeySum.model_validate(row) for row in rows]


async def sum_by_member(
    db: Runs, which: ReportFilter, user_id: str | None, size: int
) -> list[MemberSum]:
    """Return what each user came to in the teams that `which` names, or only that user."""
    rows = await db.all(
        _SQL["sum_by_member"],
        team_ids=list(which.entity_ids or ()),
        first_day=which.first_day,
        last_day=which.last_day,
        user_id=user_id,
        size=size,
    )
    return [MemberSum.model_validate(row) for row in rows]


async def sum_by_call(
    db: Runs, days: Days, models: list[str] | None, key_aliases: list[str] | None
) -> list[CallSum]:
    """Return what the calls of each kind came to, by how they failed."""
    rows = await db.all(
        _SQL["sum_by_call"], **_between(days), models=models, key_aliases=key_aliases
    )
    return [CallSum.model_validate(row) for row in rows]


async def call_options(db: Runs, days: Days, size: int) -> CallOptions:
    """Return the models that were called, and what the keys that called are called."""
    aliases = await db.all(_SQL["calling_aliases"], **_between(days), size=size)
    models = await db.all(_SQL["called_models"], **_between(days), size=size)
    return CallOptions(
        key_aliases=[str(row["name"]) for row in aliases],
        models=[str(row["name"]) for row in models],
    )


async def end_user_names(db: Runs, size: int) -> list[str]:
    """Return every end user that something was spent for."""
    return [str(row["name"]) for row in await db.all(_SQL["end_user_names"], size=size)]


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


async def ids_after(
    db: Runs, what: Literal["key", "team", "user"], after: str, size: int
) -> list[str]:
    """Return some ids, to go through all keys, teams or users."""
    return [str(row["id"]) for row in await db.all(_SQL[f"{what}_ids"], after=after, size=size)]


def _between(days: Days) -> dict[str, object]:
    first_day, last_day = days
    return {"first_day": first_day, "last_day": last_day}


def _params(which: ReportFilter) -> dict[str, object]:
    return {
        "kind": which.kind,
        "first_day": which.first_day,
        "last_day": which.last_day,
        "entity_ids": None if which.entity_ids is None else list(which.entity_ids),
        "api_key": which.api_key,
    }
