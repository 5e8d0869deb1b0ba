"""The routes /{key|user|team|organization}/spend/report and /team/spend/by_user."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from functions.admin.bodies import shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin.own_reports import own_report, spend_by_member
from shared.wire.admin_reports import MembersQuery, MembersReply, OwnReport, Rows

router = APIRouter(tags=["reports"], route_class=DocumentedRoute)

Asked = Annotated[OwnReport, Query()]
OK_ROWS: dict[int | str, dict[str, object]] = {200: {"model": Rows}}


@router.get("/key/spend/report", responses=OK_ROWS)
async def of_key(who: Who, query: Asked) -> Response:
    """Show what a key spent on which models, without a name the caller's."""
    return shown(await own_report(who.desk, who.caller, "key", query, who.now))


@router.get("/user/spend/report", responses=OK_ROWS)
async def of_user(who: Who, query: Asked) -> Response:
    """Show what the keys of a user spent on which models, without an id the caller's."""
    return shown(await own_report(who.desk, who.caller, "user", query, who.now))


@router.get("/team/spend/report", responses=OK_ROWS)
async def of_team(who: Who, query: Asked) -> Response:
    """Show what the keys of a team spent on which models, without an id the caller's."""
    return shown(await own_report(who.desk, who.caller, "team", query, who.now))


@router.get("/organization/spend/report", responses=OK_ROWS)
async def of_organization(who: Who, query: Asked) -> Response:
    """Show what the keys of an organisation spent on which models, and of which team they are."""
    return shown(await own_report(who.desk, who.caller, "organization", query, who.now))


@router.get("/team/spend/by_user", responses={200: {"model": MembersReply}})
async def by_user(who: Who, query: Annotated[MembersQuery, Query()]) -> Response:
    """Show what each user spent in teams; who runs none of them sees themselves."""
    return shown(await spend_by_member(who.desk, who.caller, query, who.now))
