"""What all of the gateway spent: totals, by key, team, model, provider and tag, day by day."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.change import changing
from shared.admin.days import days_between
from shared.admin.key_access import token_of
from shared.domain import Scope
from shared.errors import BadRequest, NotAuthenticated
from shared.storage import admin_keys, admin_teams, spend_reports
from shared.storage.admin_changes import insert_audit
from shared.storage.spend_reports import ReportFilter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis, Principal
    from shared.storage.spend_reports import Kind, Split
    from shared.wire.admin_reports import Between, DetailSum, NameSum, Report, Rows, TagsQuery

ROWS_AT_MOST: Final = 50_000
RESET_AT_ONCE: Final = 200

_KINDS: Final[dict[str, Kind]] = {"team": "team", "customer": "customer", "api_key": "user"}


async def total(desk: Desk) -> dict[str, object]:
    """Return all that was ever spent."""
    return {"spend": await spend_reports.total_spend(desk.stores.postgres), "max_budget": None}


async def by_name(
    desk: Desk, query: Between, kind: Kind, split: Split, now: Millis
) -> list[NameSum]:
    """Return sums by name, dearest first."""
    return await spend_reports.sum_by_name(
        desk.stores.postgres, _filter(query, kind, now), split, query.limit
    )


async def by_tag(desk: Desk, query: TagsQuery, now: Millis) -> list[NameSum]:
    """Return the sums of tags, or of those that are named."""
    which = _filter(query, "tag", now)
    if query.tags is not None:
        which = replace(which, entity_ids=tuple(t.strip() for t in query.tags.split(",")))
    return await spend_reports.sum_by_name(desk.stores.postgres, which, "entity", query.limit)


async def keys(desk: Desk, query: Between, now: Millis) -> Rows:
    """Return the dearest keys with their names."""
    found = await by_name(desk, query, "user", "api_key", now)
    names = await spend_reports.key_names(desk.stores.postgres, [each.name for each in found])
    return [
        {
            "api_key": each.name,
            "key_alias": names[each.name].key_alias if each.name in names else None,
            "key_name": names[each.name].key_name if each.name in names else None,
            "total_spend": each.spend,
        }
        for each in found
    ]


async def teams(desk: Desk, query: Between, now: Millis) -> dict[str, object]:
    """Return what each team spent, and day by day."""
    rows = await _details(desk, _filter(query, "team", now))
    ids = sorted({row.entity_id for row in rows})
    names = await spend_reports.team_names(desk.stores.postgres, ids)
    days: defaultdict[str, dict[str, Decimal]] = defaultdict(dict)
    totals: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        name = names.get(row.entity_id, row.entity_id)
        day = days[row.date.isoformat()]
        day[name] = day.get(name, Decimal(0)) + row.spend
        totals[name] += row.spend
    dearest = sorted(totals.items(), key=lambda each: (-each[1], each[0]))
    return {
        "daily_spend": [{"date": day, **spent} for day, spent in sorted(days.items())],
        "teams": [name for name, _ in dearest],
        "total_spend_per_team": [{"team_id": n, "total_spend": s} for n, s in dearest],
    }


async def report(desk: Desk, query: Report, now: Millis) -> Rows:
    """Return each day's spend by team, customer or key, and by model within."""
    which = _filter(query, _KINDS[query.group_by], now)
    wanted = query.team_id if query.group_by == "team" else query.customer_id
    if wanted is not None:
        which = replace(which, entity_ids=(wanted,))
    groups: defaultdict[tuple[str, str], list[DetailSum]] = defaultdict(list)
    for row in await _details(desk, which):
        entity = row.api_key if query.group_by == "api_key" else row.entity_id
        groups[row.date.isoformat(), entity].append(row)
    days: defaultdict[str, Rows] = defaultdict(list)
    for (day, entity), rows in sorted(groups.items()):
        days[day].append(_reported(query.group_by, entity, rows))
    plural = {"team": "teams", "customer": "customers", "api_key": "api_keys"}[query.group_by]
    return [{"group_by_day": day, plural: entities} for day, entities in days.items()]


async def activity(desk: Desk, query: Between, now: Millis) -> dict[str, object]:
    """Return how many requests and tokens there were each day."""
    return _activity(await _details(desk, _filter(query, "user", now)))


async def activity_by_model(desk: Desk, query: Between, now: Millis) -> Rows:
    """Return the same for each model."""
    by_model = await _by_model(desk, query, now)
    return [{"model": model, **_activity(rows)} for model, rows in by_model]


async def failures_by_model(desk: Desk, query: Between, now: Millis) -> Rows:
    """Return how many requests failed on each model."""
    counts = [
        (model, sum(row.failed_requests for row in rows))
        for model, rows in await _by_model(desk, query, now)
    ]
    return [{"model": model, "failed_requests": count} for model, count in counts if count]


async def _by_model(desk: Desk, query: Between, now: Millis) -> list[tuple[str, list[DetailSum]]]:
    by_model: defaultdict[str, list[DetailSum]] = defaultdict(list)
    for row in await _details(desk, _filter(query, "user", now)):
        by_model[row.model].append(row)
    return sorted(by_model.items())


async def spend_by_date(desk: Desk, query: Between, now: Millis) -> Rows:
    """Return what each day cost."""
    days: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in await _details(desk, _filter(query, "user", now)):
        days[row.date.isoformat()] += row.spend
    return [{"date": day, "spend": spent} for day, spent in sorted(days.items())]


async def reset_spend(desk: Desk, caller: Caller, principal: Principal) -> None:
    """Let every key and team begin anew with nothing spent; the master key alone may.

    Some at a time: should it break off, doing it again brings the rest.
    """
    if not principal.is_master:
        raise NotAuthenticated(
            "Authentication Error, Only the master key can reset the spend of all."
        )
    for what, scope, set_spend in (
        ("key", Scope.KEY, admin_keys.set_key_spend),
        ("team", Scope.TEAM, admin_teams.set_team_spend),
    ):
        after = ""
        while ids := await spend_reports.ids_after(
            desk.stores.postgres, "key" if what == "key" else "team", after, RESET_AT_ONCE
        ):
            async with changing(desk.stores, [(scope, each) for each in ids]) as transaction:
                for each in ids:
                    await set_spend(transaction, each, Decimal(0))
            after = ids[-1]
    async with desk.stores.postgres.transaction() as transaction:
        await insert_audit(transaction, caller.audit("updated", "global_spend", "reset"))


async def _details(desk: Desk, which: ReportFilter) -> list[DetailSum]:
    rows = await spend_reports.sum_in_detail(desk.stores.postgres, which, ROWS_AT_MOST + 1)
    if len(rows) > ROWS_AT_MOST:
        raise BadRequest("That is too much at once: narrow the dates.", param="start_date")
    return rows


def _filter(query: Between, kind: Kind, now: Millis) -> ReportFilter:
    first, last = days_between(query.start_date, query.end_date, now)
    api_key = None if query.api_key is None else token_of(query.api_key)
    return ReportFilter(kind=kind, first_day=first, last_day=last, api_key=api_key)


def _reported(group_by: str, entity: str, rows: Sequence[DetailSum]) -> dict[str, object]:
    name = {"team": "team_name", "customer": "customer", "api_key": "api_key"}[group_by]
    return {
        name: entity,
        "total_spend": sum((row.spend for row in rows), Decimal(0)),
        "metadata": [
            {
                "model": row.model,
                "spend": row.spend,
                "total_tokens": row.total_tokens,
                "api_key": row.api_key,
            }
            for row in rows
        ],
    }


def _activity(rows: Sequence[DetailSum]) -> dict[str, object]:
    days: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for row in rows:
        day = days[row.date.isoformat()]
        day[0] += row.api_requests
        day[1] += row.total_tokens
    return {
        "daily_data": [
            {"date": day, "api_requests": requests, "total_tokens": tokens}
            for day, (requests, tokens) in sorted(days.items())
        ],
        "sum_api_requests": sum(requests for requests, _ in days.values()),
        "sum_total_tokens": sum(tokens for _, tokens in days.values()),
    }
