"""Daily activity: what each day came to, whole and split, of users, teams and the others."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from shared.admin.days import DAYS_AT_MOST, days_between
from shared.admin.key_access import token_of
from shared.admin.permissions import Standing
from shared.errors import BadRequest, NotPermitted
from shared.storage.spend_reports import ReportFilter, key_names, sum_by_day
from shared.wire.admin_reports import ActivityReply, Sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.spend_reports import Kind
    from shared.wire.admin_reports import Activity, DaySplit, KeyName

SUMS_AT_MOST: Final = 50_000
_EXCLUDED: Final[Mapping[Kind, str]] = {
    "team": "exclude_team_ids",
    "organization": "exclude_organization_ids",
    "customer": "exclude_end_user_ids",
}
SPLITS: Final = ("models", "model_groups", "providers", "api_keys", "entities")


async def daily_activity(
    desk: Desk, caller: Caller, kind: Kind, query: Activity, now: Millis
) -> ActivityReply:
    """Return a page of days, newest first, and the sums of all of them."""
    which = filter_of(caller, kind, query, now)
    sums = await sum_by_day(desk.stores.postgres, which, SUMS_AT_MOST + 1)
    if len(sums) > SUMS_AT_MOST:
        raise BadRequest("That is too much at once: narrow the dates.", param="start_date")
    days: defaultdict[date, list[DaySplit]] = defaultdict(list)
    for part in sums:
        days[part.date].append(part)
    first = (query.page - 1) * query.page_size
    shown = sorted(days, reverse=True)[first : first + query.page_size]
    tokens = sorted({p.name or "" for day in shown for p in days[day] if p.split == "api_keys"})
    names = await key_names(desk.stores.postgres, tokens)
    pages = max(-(-len(days) // query.page_size), 1)
    return ActivityReply(
        results=[_day(day, days[day], names) for day in shown],
        metadata={
            **_totals([part for part in sums if part.split is None]),
            "page": query.page,
            "total_pages": pages,
            "has_more": query.page < pages,
        },
    )


async def whole_activity(
    desk: Desk, caller: Caller, kind: Kind, query: Activity, now: Millis
) -> ActivityReply:
    """Return all days at once."""
    all_of_them = query.model_copy(update={"page": 1, "page_size": DAYS_AT_MOST})
    return await daily_activity(desk, caller, kind, all_of_them, now)


def _day(day: date, parts: Sequence[DaySplit], names: Mapping[str, KeyName]) -> dict[str, object]:
    whole = next(part for part in parts if part.split is None)
    breakdown: dict[str, dict[str, object]] = {split: {} for split in SPLITS}
    for part in parts:
        if part.split is not None:
            name = part.name or ""
            metadata: dict[str, object] = {}
            if part.split == "api_keys":
                key = names.get(name)
                metadata = {
                    "key_alias": key.key_alias if key else None,
                    "team_id": key.team_id if key else None,
                }
            breakdown[part.split][name] = {"metrics": _metrics(part), "metadata": metadata}
    return {"date": day.isoformat(), "metrics": _metrics(whole), "breakdown": breakdown}


def _metrics(sums: Sums) -> dict[str, object]:
    found = {name: getattr(sums, name) for name in Sums.model_fields}
    return {**found, "total_tokens": sums.prompt_tokens + sums.completion_tokens}


def _totals(parts: Sequence[Sums]) -> dict[str, object]:
    total = Sums()
    for part in parts:
        total += part
    return {
        f"total_{name.removeprefix('total_')}": value for name, value in _metrics(total).items()
    }


def filter_of(caller: Caller, kind: Kind, query: Activity, now: Millis) -> ReportFilter:
    """Return what is asked for; raise NotPermitted where it is not the caller's to see."""
    first, last = days_between(query.start_date, query.end_date, now)
    return ReportFilter(
        kind=kind,
        first_day=first,
        last_day=last,
        entity_ids=_entities(caller, kind, query),
        excluded_ids=_ids(getattr(query, _EXCLUDED[kind])) if kind in _EXCLUDED else None,
        api_key=None if query.api_key is None else token_of(query.api_key),
        model=query.model,
    )


def _entities(caller: Caller, kind: Kind, query: Activity) -> tuple[str, ...] | None:
    match kind:
        case "user":
            return _own_user(caller, query.user_id)
        case "team":
            return _run_by(caller, "team", _ids(query.team_ids))
        case "organization":
            return _run_by(caller, "organization", _ids(query.organization_ids))
        case "customer":
            return _ids(query.end_user_ids)
        case "tag":
            return _ids(query.tags)


def _own_user(caller: Caller, user_id: str | None) -> tuple[str, ...] | None:
    if caller.sees_all:
        return None if user_id is None else (user_id,)
    if caller.user_id is None or user_id not in (None, caller.user_id):
        raise NotPermitted("You can only see your own activity.", param="user_id")
    return (caller.user_id,)


def _run_by(caller: Caller, what: str, asked: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return what was asked for; to whom does not see all, only what they run."""
    if caller.sees_all:
        return asked
    relations = caller.relations
    if what == "team":
        own = tuple(team_id for team_id in relations.teams if caller.runs_team(team_id))
    else:
        own = tuple(
            organization_id
            for organization_id in relations.organizations
            if caller.over_organization(organization_id) is Standing.ORG_ADMIN
        )
    if asked is not None and not set(asked) <= set(own):
        raise NotPermitted(f"You can only see the {what}s that you run.", param=f"{what}_ids")
    return own if asked is None else asked


def _ids(text: str | None) -> tuple[str, ...] | None:
    if not text:
        return None
    return tuple(part.strip() for part in text.split(",") if part.strip())
