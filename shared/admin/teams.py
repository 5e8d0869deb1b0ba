"""Make, change, block and show teams."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.change import changing
from shared.admin.columns import amended_team
from shared.admin.key_reads import may_see
from shared.admin.members import first_members, ids_of, join
from shared.admin.rewrite import TEAMS, Edit, existing, rewrite
from shared.domain import Scope
from shared.errors import AlreadyExists, BadRequest, GatewayError, NotFound, NotPermitted
from shared.storage import admin_keys, admin_teams
from shared.storage.admin_changes import insert_audit
from shared.storage.admin_keys import KeyFilter, Page
from shared.wire.admin_teams import TeamColumns, TeamInfo, TeamInfoReply

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.wire.admin_teams import NameTeam, NewTeam, UpdateTeam

SHOWN_AT_MOST: Final = 1_000


async def new_team(desk: Desk, caller: Caller, request: NewTeam, now: Millis) -> TeamInfo:
    """Make a team with its members."""
    team_id = request.team_id or str(uuid.uuid4())
    members = await first_members(desk.stores.postgres, caller, request.members_with_roles or [])
    columns = amended_team(TeamColumns(), request, desk, now)
    spend = request.spend or Decimal(0)
    entities: list[Entity] = [
        (Scope.TEAM, team_id),
        *((Scope.USER, user_id) for user_id in ids_of(members)),
    ]
    async with changing(desk.stores, entities, _conflicts(team_id)) as transaction:
        await admin_teams.insert_team(transaction, team_id, columns, spend=spend, by=caller.name)
        await join(transaction, caller, team_id, members)
        info = await existing(transaction, TEAMS, team_id)
        await insert_audit(transaction, caller.audit("created", TEAMS.table, team_id, after=info))
    return info


async def update_team(desk: Desk, caller: Caller, request: UpdateTeam, now: Millis) -> TeamInfo:
    """Change the fields of a team that the request holds."""
    await existing(desk.stores.postgres, TEAMS, request.team_id)
    edit: Edit[TeamInfo] = Edit(
        entity_id=request.team_id,
        action="updated",
        change=lambda team: amended_team(team, request, desk, now),
        spend=request.spend,
    )
    return await rewrite(desk, caller, TEAMS, edit, now)


async def block_team(
    desk: Desk, caller: Caller, request: NameTeam, now: Millis, *, blocked: bool
) -> TeamInfo:
    """Block all keys of a team from the next request on, or let them in again: one write."""
    await existing(desk.stores.postgres, TEAMS, request.team_id)
    edit: Edit[TeamInfo] = Edit(
        entity_id=request.team_id,
        action="blocked" if blocked else "unblocked",
        change=lambda team: team.model_copy(update={"blocked": blocked}),
    )
    return await rewrite(desk, caller, TEAMS, edit, now)


async def team_info(desk: Desk, caller: Caller, team_id: str, now: Millis) -> TeamInfoReply:
    """Tell an admin or a member about a team, its keys and what its members spent."""
    db = desk.stores.postgres
    team = await admin_teams.find_team(db, team_id)
    if team is None and caller.sees_all:
        raise NotFound(f"Team not found, passed team id: {team_id}.", param="team_id")
    if team is None or not _may_see(caller, team):
        raise NotPermitted(
            f"key not allowed to access this team's info. Key team={caller.team_id}, "
            f"Requested team={team_id}",
            param="team_id",
        )
    keys = await admin_keys.list_keys(db, KeyFilter(team_id=team_id), Page(size=SHOWN_AT_MOST))
    memberships = await admin_teams.list_memberships(db, team_id, SHOWN_AT_MOST)
    return TeamInfoReply(
        team_id=team_id,
        team_info=desk.as_of(team, now),
        keys=[desk.as_of(key, now) for key in keys if may_see(caller, key)],
        team_memberships=[
            one for one in memberships if caller.sees_all or one.user_id == caller.user_id
        ],
    )


def _may_see(caller: Caller, team: TeamInfo) -> bool:
    if caller.sees_all or caller.team_id == team.team_id:
        return True
    members = {member.user_id for member in team.members_with_roles}
    return caller.user_id is not None and caller.user_id in members


def _conflicts(team_id: str) -> dict[str, GatewayError]:
    return {
        "litellm_teamtable_pkey": BadRequest(
            f"Team id = {team_id} already exists. Please use a different team id.",
            param="team_id",
        ),
        "litellm_usertable_user_email_key": AlreadyExists(
            "A member's address belongs to another user.", param="members_with_roles"
        ),
    }
