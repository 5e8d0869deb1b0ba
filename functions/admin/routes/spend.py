"""The routes under /spend."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from functions.admin.bodies import shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import spend
from shared.wire.admin_spend import SpendLog, SpendLogsQuery

router = APIRouter(tags=["spend"], route_class=DocumentedRoute)


@router.get("/spend/logs", responses={200: {"model": list[SpendLog]}})
async def logs(who: Who, query: Annotated[SpendLogsQuery, Query()]) -> Response:
    """Show the newest rows of the ledger; between two dates their sums by day, unless refused."""
    if query.summarize and query.start_date and query.end_date:
        return shown(await spend.spend_by_day(who.desk, who.caller, query))
    return shown(await spend.spend_logs(who.desk, who.caller, query))
