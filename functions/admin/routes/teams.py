"""The routes under /team."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import team_members, team_reads, teams
from shared.wire.admin_fields import Identifier
from shared.wire.admin_members import (
    AddedManyMembers,
    AddedMembers,
    AddManyMembers,
    AddMembers,
    NameMember,
    ResetMemberSpend,
    UpdatedMember,
    UpdateMember,
)
from shared.wire.admin_teams import (
    DeletedTeams,
    DeleteTeams,
    ListedTeam,
    ListTeams,
    ManyTeamPermissions,
    ManyTeamPermissionsReply,
    NameTeam,
    NewTeam,
    OwnMembership,
    PageTeams,
    PatchTeam,
    TeamInfo,
    TeamInfoReply,
    TeamMembership,
    TeamModels,
    TeamPage,
    TeamPermissions,
    TeamPermissionsReply,
    UpdatedTeam,
    UpdateTeam,
)

router = APIRouter(tags=["teams"], route_class=DocumentedRoute)


@router.post("/team/new", openapi_extra=documented(NewTeam), responses={200: {"model": TeamInfo}})
async def new(request: Request, who: Who) -> Response:
    """Make a team with its members."""
    body = await asked(request, NewTeam)
    return shown(await teams.new_team(who.desk, who.caller, body, who.now))


@router.post(
    "/team/update", openapi_extra=documented(UpdateTeam), responses={200: {"model": UpdatedTeam}}
)
async def update(request: Request, who: Who) -> Response:
    """Change the fields of a team that are sent."""
    body = await asked(request, UpdateTeam)
    team = await teams.update_team(who.desk, who.caller, body.team_id, body, who.now)
    return shown(UpdatedTeam(team_id=team.team_id, data=team))


@router.post(
    "/team/block", openapi_extra=documented(NameTeam), responses={200: {"model": TeamInfo}}
)
async def block(request: Request, who: Who) -> Response:
    """Refuse every key of a team from its next request on."""
    body = await asked(request, NameTeam)
    return shown(await teams.block_team(who.desk, who.caller, body, who.now, blocked=True))


@router.post(
    "/team/unblock", openapi_extra=documented(NameTeam), responses={200: {"model": TeamInfo}}
)
async def unblock(request: Request, who: Who) -> Response:
    """Let the keys of a blocked team in again."""
    body = await asked(request, NameTeam)
    return shown(await teams.block_team(who.desk, who.caller, body, who.now, blocked=False))


@router.get("/team/info", responses={200: {"model": TeamInfoReply}})
async def info(who: Who, team_id: Annotated[Identifier, Query()]) -> Response:
    """Show a team, its keys and what its members spent."""
    reply = await team_reads.team_info(who.desk, who.caller, team_id, who.now)
    # LiteLLM shows the keys of a team without their hashes.
    return shown(reply.model_dump(exclude={"keys": {"__all__": {"token"}}}))


@router.patch(
    "/team/{team_id}", openapi_extra=documented(PatchTeam), responses={200: {"model": UpdatedTeam}}
)
async def patch(request: Request, who: Who, team_id: Annotated[Identifier, Path()]) -> Response:
    """Change the fields of the team in the path that are sent."""
    body = await asked(request, PatchTeam)
    team = await teams.update_team(who.desk, who.caller, team_id, body, who.now)
    return shown(UpdatedTeam(team_id=team.team_id, data=team))


@router.post(
    "/team/delete", openapi_extra=documented(DeleteTeams), responses={200: {"model": DeletedTeams}}
)
async def delete(request: Request, who: Who) -> Response:
    """Delete teams and their keys: all of them or none."""
    body = await asked(request, DeleteTeams)
    deleted = await teams.delete_teams(who.desk, who.caller, body)
    return shown(DeletedTeams(deleted_teams=deleted))


@router.get("/team/list", responses={200: {"model": list[ListedTeam]}})
async def list_(who: Who, asked_for: Annotated[ListTeams, Query()]) -> Response:
    """List teams with their keys and what their members spent."""
    return shown(await team_reads.list_teams(who.desk, who.caller, asked_for, who.now))


@router.get("/v2/team/list", responses={200: {"model": TeamPage}})
async def page(who: Who, asked_for: Annotated[PageTeams, Query()]) -> Response:
    """List teams page by page."""
    return shown(await team_reads.page_teams(who.desk, who.caller, asked_for, who.now))


@router.get("/team/available", responses={200: {"model": list[TeamInfo]}})
async def available(who: Who) -> Response:
    """List the teams that the caller may join by themselves."""
    return shown(await team_reads.available_teams(who.desk, who.caller, who.now))


@router.get("/team/{team_id}/members/me", responses={200: {"model": OwnMembership}})
async def own_membership(who: Who, team_id: Annotated[Identifier, Path()]) -> Response:
    """Show what the caller is in a team, and spent there."""
    return shown(await team_reads.own_membership(who.desk, who.caller, team_id))


@router.post(
    "/team/permissions_bulk_update",
    openapi_extra=documented(ManyTeamPermissions),
    responses={200: {"model": ManyTeamPermissionsReply}},
)
async def add_permissions(request: Request, who: Who) -> Response:
    """Add to what the members of many teams may do with their keys."""
    body = await asked(request, ManyTeamPermissions)
    count = await teams.add_permissions(who.desk, who.caller, body, who.now)
    return shown(
        ManyTeamPermissionsReply(
            message="Team permissions updated successfully",
            teams_updated=count,
            permissions_appended=list(body.permissions),
        )
    )


@router.get("/team/permissions_list", responses={200: {"model": TeamPermissionsReply}})
async def permissions(who: Who, team_id: Annotated[Identifier, Query()]) -> Response:
    """Show what all members may do with the keys of a team."""
    return shown(await team_reads.permissions(who.desk, who.caller, team_id))


@router.post(
    "/team/permissions_update",
    openapi_extra=documented(TeamPermissions),
    responses={200: {"model": TeamInfo}},
)
async def update_permissions(request: Request, who: Who) -> Response:
    """Say what all members may do with the keys of a team."""
    body = await asked(request, TeamPermissions)
    return shown(await teams.update_permissions(who.desk, who.caller, body, who.now))


@router.post(
    "/team/model/add", openapi_extra=documented(TeamModels), responses={200: {"model": TeamInfo}}
)
async def add_models(request: Request, who: Who) -> Response:
    """Let a team call more models."""
    body = await asked(request, TeamModels)
    return shown(await teams.change_models(who.desk, who.caller, body, who.now, is_added=True))


@router.post(
    "/team/model/delete", openapi_extra=documented(TeamModels), responses={200: {"model": TeamInfo}}
)
async def delete_models(request: Request, who: Who) -> Response:
    """Let a team call fewer models."""
    body = await asked(request, TeamModels)
    return shown(await teams.change_models(who.desk, who.caller, body, who.now, is_added=False))


@router.post(
    "/team/member_add",
    openapi_extra=documented(AddMembers),
    responses={200: {"model": AddedMembers}},
)
async def add_members(request: Request, who: Who) -> Response:
    """Put one user or several into a team."""
    body = await asked(request, AddMembers)
    return shown(await team_members.add_members(who.desk, who.caller, body, who.now))


@router.post(
    "/team/bulk_member_add",
    openapi_extra=documented(AddManyMembers),
    responses={200: {"model": AddedManyMembers}},
)
async def add_many_members(request: Request, who: Who) -> Response:
    """Put users into a team, each for itself."""
    body = await asked(request, AddManyMembers)
    return shown(await team_members.add_many_members(who.desk, who.caller, body, who.now))


@router.post(
    "/team/member_update",
    openapi_extra=documented(UpdateMember),
    responses={200: {"model": UpdatedMember}},
)
async def update_member(request: Request, who: Who) -> Response:
    """Change what a member is in a team, or may spend there."""
    body = await asked(request, UpdateMember)
    return shown(await team_members.update_member(who.desk, who.caller, body, who.now))


@router.post(
    "/team/member_delete",
    openapi_extra=documented(NameMember),
    responses={200: {"model": TeamInfo}},
)
async def delete_member(request: Request, who: Who) -> Response:
    """Take a user out of a team, with the keys they have in it."""
    body = await asked(request, NameMember)
    return shown(await team_members.delete_member(who.desk, who.caller, body, who.now))


@router.post(
    "/team/{team_id}/member/{user_id}/reset_spend",
    openapi_extra=documented(ResetMemberSpend),
    responses={200: {"model": TeamMembership}},
)
async def reset_member_spend(
    request: Request,
    who: Who,
    team_id: Annotated[Identifier, Path()],
    user_id: Annotated[Identifier, Path()],
) -> Response:
    """Start what a member has spent in a team anew."""
    body = await asked(request, ResetMemberSpend)
    named = (team_id, user_id)
    return shown(await team_members.reset_member_spend(who.desk, who.caller, named, body))
