"""Show teams: to admins all of them, to everybody else those they are in or run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pydantic import JsonValue

from shared.admin.key_access import may_see
from shared.errors import BadRequest, NotFound, NotPermitted
from shared.storage import admin_keys, admin_teams
from shared.storage.admin_keys import KeyFilter, Page
from shared.storage.admin_teams import TeamFilter, TeamPart
from shared.wire.admin_teams import (
    MEMBER_PERMISSIONS,
    ListedTeam,
    OwnMembership,
    PageTeams,
    TeamInfoReply,
    TeamMember,
    TeamMembership,
    TeamPage,
    TeamPermissionsReply,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_keys import KeyInfo
    from shared.wire.admin_teams import ListTeams, TeamInfo

SHOWN_AT_MOST: Final = 1_000


async def team_info(desk: Desk, caller: Caller, team_id: str, now: Millis) -> TeamInfoReply:
    """Tell an admin or a member about a team, its keys and what its members spent."""
    team = await _seen(desk, caller, team_id)
    return TeamInfoReply(
        team_id=team_id,
        team_info=desk.as_of(team, now),
        keys=await _keys(desk, caller, [team_id], now),
        team_memberships=await _memberships(desk, caller, [team_id]),
    )


async def list_teams(desk: Desk, caller: Caller, query: ListTeams, now: Millis) -> list[ListedTeam]:
    """Return the newest teams the caller may see, with their keys and memberships."""
    part = TeamPart(size=SHOWN_AT_MOST)
    teams = await admin_teams.list_teams(desk.stores.postgres, _filter(caller, query), part)
    team_ids = [team.team_id for team in teams]
    keys = await _keys(desk, caller, team_ids, now)
    memberships = await _memberships(desk, caller, team_ids)
    return [
        ListedTeam(
            **dict(desk.as_of(team, now)),
            keys=[key for key in keys if key.team_id == team.team_id],
            team_memberships=[one for one in memberships if one.team_id == team.team_id],
        )
        for team in teams
    ]


async def page_teams(desk: Desk, caller: Caller, query: PageTeams, now: Millis) -> TeamPage:
    """Return one page of the teams the caller may see."""
    which = _filter(caller, query)
    part = TeamPart(
        size=query.page_size,
        skip=(query.page - 1) * query.page_size,
        sort_by=query.sort_by,
        descending=query.sort_order == "desc",
    )
    total = await admin_teams.count_teams(desk.stores.postgres, which)
    teams = await admin_teams.list_teams(desk.stores.postgres, which, part)
    return TeamPage(
        teams=[desk.as_of(team, now) for team in teams],
        total=total,
        page=query.page,
        page_size=query.page_size,
        total_pages=-(-total // query.page_size),
    )


async def available_teams(desk: Desk, caller: Caller, now: Millis) -> list[TeamInfo]:
    """Return the teams that the configuration lets anybody join, but for those the caller is in."""
    mine = caller.relations.teams.keys()
    open_to_all = [t for t in desk.live.current.litellm.available_teams if t not in mine]
    found = await admin_teams.find_teams(desk.stores.postgres, open_to_all)
    # Who is in a team, and what it may spend, is its members' business.
    return [
        desk.as_of(team, now).model_copy(
            update={"members_with_roles": list[TeamMember](), "metadata": dict[str, JsonValue]()}
        )
        for team in found
    ]


async def own_membership(desk: Desk, caller: Caller, team_id: str) -> OwnMembership:
    """Tell the caller what they are in a team, and spent there."""
    if caller.user_id is None:
        raise BadRequest("This key is nobody's, so it is in no team.", param="team_id")
    team = await admin_teams.find_team(desk.stores.postgres, team_id)
    places = [m for m in team.members_with_roles if m.user_id == caller.user_id] if team else []
    if team is None or not places:
        raise NotFound(
            f"User user_id={caller.user_id} is not a member of team_id={team_id}.", param="team_id"
        )
    found = await admin_teams.list_memberships(desk.stores.postgres, [team_id], 1, [caller.user_id])
    spent = found[0] if found else TeamMembership.of_nothing(caller.user_id, team_id)
    return OwnMembership(
        **dict(spent),
        team_alias=team.team_alias,
        role=places[0].role,
        user_email=places[0].user_email,
    )


async def permissions(desk: Desk, caller: Caller, team_id: str) -> TeamPermissionsReply:
    """Tell what all members may do with the keys of a team."""
    team = await _seen(desk, caller, team_id)
    return TeamPermissionsReply(
        team_id=team_id,
        team_member_permissions=team.team_member_permissions,
        all_available_permissions=list(MEMBER_PERMISSIONS),
    )


async def _seen(desk: Desk, caller: Caller, team_id: str) -> TeamInfo:
    team = await admin_teams.find_team(desk.stores.postgres, team_id)
    if team is None and caller.sees_all:
        raise NotFound(f"Team not found, passed team id: {team_id}.", param="team_id")
    if team is None or caller.over_team(team_id) is None:
        raise NotPermitted(
            f"key not allowed to access this team's info. Key team={caller.team_id}, "
            f"Requested team={team_id}",
            param="team_id",
        )
    return team


async def _keys(desk: Desk, caller: Caller, team_ids: Sequence[str], now: Millis) -> list[KeyInfo]:
    which = KeyFilter(everybodys=False, team_ids=tuple(team_ids))
    found = await admin_keys.list_keys(desk.stores.postgres, which, Page(size=SHOWN_AT_MOST))
    return [desk.as_of(key, now) for key in found if may_see(caller, key)]


async def _memberships(desk: Desk, caller: Caller, team_ids: Sequence[str]) -> list[TeamMembership]:
    """Return what everybody spent where the caller runs the team, else what the caller did."""
    run = [team_id for team_id in team_ids if caller.sees_all or caller.runs_team(team_id)]
    own = [team_id for team_id in team_ids if team_id not in run]
    db = desk.stores.postgres
    found = await admin_teams.list_memberships(db, run, SHOWN_AT_MOST) if run else []
    if own and caller.user_id is not None:
        found += await admin_teams.list_memberships(db, own, SHOWN_AT_MOST, [caller.user_id])
    return found


def _filter(caller: Caller, query: ListTeams) -> TeamFilter:
    if not caller.sees_all and query.user_id not in (None, caller.user_id):
        raise NotPermitted("You can only list your own teams.", param="user_id")
    known = None if caller.sees_all else [*caller.relations.teams]
    is_paged = isinstance(query, PageTeams)
    return TeamFilter(
        team_ids=known,
        organization_id=query.organization_id,
        user_id=query.user_id,
        team_id=query.team_id if is_paged else None,
        team_alias=query.team_alias if is_paged else None,
    )
