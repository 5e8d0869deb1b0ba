"""Reports of what is the caller's own: a key, a user, a team, an organisation, a team's members."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal

from shared.admin.days import days_between
from shared.admin.key_access import token_of
from shared.admin.permissions import Standing
from shared.admin.reports import ROWS_AT_MOST
from shared.errors import BadRequest, NotPermitted
from shared.storage import spend_reports
from shared.storage.spend_reports import ReportFilter
from shared.wire.admin_reports import MembersReply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.spend_reports import Kind
    from shared.wire.admin_reports import KeySum, MembersQuery, OwnReport, Rows

Whose = Literal["key", "user", "team", "organization"]

_PARAMS: Final[dict[Whose, str]] = {
    "key": "api_key",
    "user": "internal_user_id",
    "team": "team_id",
    "organization": "organization_id",
}


async def own_report(
    desk: Desk, caller: Caller, whose: Whose, query: OwnReport, now: Millis
) -> Rows:
    """Return what each key spent of it, and on which models."""
    wanted = _wanted(caller, whose, query)
    first, last = days_between(query.start_date, query.end_date, now)
    kind: Kind = "user" if whose == "key" else whose
    which = ReportFilter(
        kind=kind,
        first_day=first,
        last_day=last,
        entity_ids=None if whose == "key" else (wanted,),
        api_key=wanted if whose == "key" else None,
    )
    sums = await spend_reports.sum_by_key(desk.stores.postgres, which, ROWS_AT_MOST)
    teams = await _teams_of(desk, sums) if whose == "organization" else None
    by_key: defaultdict[str, list[KeySum]] = defaultdict(list)
    for each in sums:
        by_key[each.api_key].append(each)
    rows = [_key_row(api_key, parts, teams) for api_key, parts in by_key.items()]
    return sorted(rows, key=lambda row: row["total_cost"], reverse=True)  # type: ignore[arg-type, return-value]


async def spend_by_member(
    desk: Desk, caller: Caller, query: MembersQuery, now: Millis
) -> MembersReply:
    """Return what each user spent in teams: all of them to who runs a team, else the caller."""
    team_ids = [part.strip() for part in query.team_ids.split(",") if part.strip()]
    standings = [caller.over_team(team_id) for team_id in team_ids]
    if not team_ids or None in standings:
        raise NotPermitted("You can only see your own teams.", param="team_ids")
    sees_all = caller.sees_all or all(caller.runs_team(team_id) for team_id in team_ids)
    first, last = days_between(query.start_date, query.end_date, now)
    which = ReportFilter(kind="team", first_day=first, last_day=last, entity_ids=tuple(team_ids))
    own = None if sees_all else caller.user_id or ""
    found = await spend_reports.sum_by_member(desk.stores.postgres, which, own, ROWS_AT_MOST)
    return MembersReply(
        start_date=first,
        end_date=last,
        results=[
            each.model_copy(update={"total_tokens": each.prompt_tokens + each.completion_tokens})
            for each in found
        ],
    )


def _wanted(caller: Caller, whose: Whose, query: OwnReport) -> str:
    """Return whose spend may be told: what was asked for, else the caller's own."""
    match whose:
        case "key":
            asked, own = query.api_key and token_of(query.api_key), caller.key_name
        case "user":
            asked, own = query.internal_user_id, caller.user_id
        case "team":
            asked, own = query.team_id, caller.team_id
        case "organization":
            asked, own = query.organization_id, _only_organization(caller)
    if asked is None and own is None:
        raise BadRequest(
            f"No {_PARAMS[whose]} associated with this API key; pass {_PARAMS[whose]}.",
            param=_PARAMS[whose],
        )
    wanted = asked or own or ""
    if not (caller.sees_all or wanted == own or _runs(caller, whose, wanted)):
        raise NotPermitted(
            f"Not authorized to view spend for a {_PARAMS[whose]} other than your own",
            param=_PARAMS[whose],
        )
    return wanted


def _runs(caller: Caller, whose: Whose, wanted: str) -> bool:
    if whose == "organization":
        return caller.over_organization(wanted) is Standing.ORG_ADMIN
    return whose == "team" and caller.runs_team(wanted)


def _only_organization(caller: Caller) -> str | None:
    run = sorted(caller.relations.run_organizations)
    return run[0] if len(run) == 1 else None


async def _teams_of(desk: Desk, sums: Sequence[KeySum]) -> dict[str, str | None]:
    names = await spend_reports.key_names(
        desk.stores.postgres, sorted({each.api_key for each in sums})
    )
    return {token: name.team_id for token, name in names.items()}


def _key_row(
    api_key: str, parts: Sequence[KeySum], teams: dict[str, str | None] | None
) -> dict[str, object]:
    team: dict[str, object] = {} if teams is None else {"team_id": teams.get(api_key)}
    return {
        "api_key": api_key,
        "total_cost": sum((part.spend for part in parts), Decimal(0)),
        "total_input_tokens": sum(part.prompt_tokens for part in parts),
        "total_output_tokens": sum(part.completion_tokens for part in parts),
        "model_details": [
            {
                **team,
                "model": part.model,
                "total_cost": part.spend,
                "total_input_tokens": part.prompt_tokens,
                "total_output_tokens": part.completion_tokens,
            }
            for part in parts
        ],
    }
