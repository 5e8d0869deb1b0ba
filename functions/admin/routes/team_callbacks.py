"""The routes about a team's callbacks: this gateway calls none, and says so."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import team_callbacks
from shared.wire.admin_fields import Identifier
from shared.wire.admin_teams import AddCallback, LoggingReply, NoCallbacks, TeamCallbacks

router = APIRouter(tags=["teams"], route_class=DocumentedRoute)

TeamId = Annotated[Identifier, Path()]


@router.post(
    "/team/{team_id}/callback",
    openapi_extra=documented(AddCallback),
    responses={200: {"model": TeamCallbacks}},
)
async def add(request: Request, who: Who, team_id: TeamId) -> Response:
    """Refuse a callback: it would never hear of a request, and nobody would know."""
    body = await asked(request, AddCallback)
    return shown(await team_callbacks.add(who.desk, who.caller, team_id, body))


@router.get("/team/{team_id}/callback", responses={200: {"model": TeamCallbacks}})
async def show(who: Who, team_id: TeamId) -> Response:
    """Show that a team has no callbacks."""
    return shown(await team_callbacks.show(who.desk, who.caller, team_id))


@router.delete(
    "/team/{team_id}/callback/{callback_name}", responses={200: {"model": TeamCallbacks}}
)
async def delete(
    who: Who, team_id: TeamId, callback_name: Annotated[Identifier, Path()]
) -> Response:
    """Say that there is no such callback."""
    return shown(await team_callbacks.delete(who.desk, who.caller, team_id, callback_name))


@router.post("/team/{team_id}/disable_logging", responses={200: {"model": LoggingReply}})
async def disable(who: Who, team_id: TeamId) -> Response:
    """Say that nothing of a team's requests goes anywhere, which is so."""
    found = await team_callbacks.show(who.desk, who.caller, team_id)
    message = f"Logging disabled for team {team_id}"
    return shown(LoggingReply(message=message, data=NoCallbacks(team_id=found.data.team_id)))
