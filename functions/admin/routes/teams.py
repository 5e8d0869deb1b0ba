"""The routes under /team."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from shared.admin import teams
from shared.wire.admin_fields import Identifier
from shared.wire.admin_teams import (
    NameTeam,
    NewTeam,
    TeamInfo,
    TeamInfoReply,
    UpdatedTeam,
    UpdateTeam,
)

router = APIRouter(tags=["teams"])


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
    team = await teams.update_team(who.desk, who.caller, body, who.now)
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
    reply = await teams.team_info(who.desk, who.caller, team_id, who.now)
    # LiteLLM shows the keys of a team without their hashes.
    return shown(reply.model_dump(exclude={"keys": {"__all__": {"token"}}}))
