"""The routes under /global, and the reports under /spend."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import calculate, call_activity, log_pages, own_reports, reports
from shared.storage import spend_reports
from shared.wire.admin_models import Done
from shared.wire.admin_reports import (
    Between,
    Calculate,
    CallsQuery,
    CallsReply,
    Cost,
    EndUsersQuery,
    LogPage,
    LogsQuery,
    OwnReport,
    Report,
    Rows,
    TagsQuery,
)

router = APIRouter(tags=["reports"], route_class=DocumentedRoute)

Days = Annotated[Between, Query()]
OK_ROWS: dict[int | str, dict[str, object]] = {200: {"model": Rows}}
OK_OBJECT: dict[int | str, dict[str, object]] = {200: {"model": dict[str, object]}}


@router.get("/spend/logs/v2", responses={200: {"model": LogPage}})
@router.get("/spend/logs/ui", responses={200: {"model": LogPage}})
async def logs(who: Who, query: Annotated[LogsQuery, Query()]) -> Response:
    """Show the ledger page by page."""
    return shown(await log_pages.page_of_spend_logs(who.desk, who.caller, query, who.now))


@router.get("/spend/keys", responses=OK_ROWS)
@router.get("/global/spend/keys", responses=OK_ROWS)
async def keys(who: Who, query: Days) -> Response:
    """Show the dearest keys."""
    return shown(await reports.keys(who.desk, query, who.now))


@router.get("/spend/users", responses=OK_ROWS)
async def users(who: Who, query: Days) -> Response:
    """Show the dearest users."""
    found = await reports.by_name(who.desk, query, "user", "entity", who.now)
    return shown([{"user_id": each.name or None, "total_spend": each.spend} for each in found])


@router.get("/spend/tags", responses=OK_ROWS)
@router.get("/global/spend/tags", responses=OK_ROWS)
async def tags(who: Who, query: Annotated[TagsQuery, Query()]) -> Response:
    """Show the dearest tags; a request counts under each of its tags."""
    found = await reports.by_tag(who.desk, query, who.now)
    return shown(
        [
            {
                "individual_request_tag": each.name,
                "log_count": each.api_requests,
                "total_spend": each.spend,
            }
            for each in found
        ]
    )


@router.post(
    "/spend/calculate", openapi_extra=documented(Calculate), responses={200: {"model": Cost}}
)
async def calculate_cost(request: Request, who: Who) -> Response:
    """Price a call that could be made, or the answer of one that was."""
    body = await asked(request, Calculate)
    return shown(calculate.calculate(who.desk, body))


@router.get("/global/spend", responses=OK_OBJECT)
async def total(who: Who) -> Response:
    """Show all that was ever spent."""
    return shown(await reports.total(who.desk))


@router.get("/global/spend/teams", responses=OK_OBJECT)
async def teams(who: Who, query: Days) -> Response:
    """Show what each team spent, day by day."""
    return shown(await reports.teams(who.desk, query, who.now))


@router.get("/global/spend/models", responses=OK_ROWS)
async def models(who: Who, query: Days) -> Response:
    """Show the dearest models."""
    found = await reports.by_name(who.desk, query, "user", "model", who.now)
    return shown([{"model": each.name, "total_spend": each.spend} for each in found])


@router.get("/global/spend/provider", responses=OK_ROWS)
async def providers(who: Who, query: Days) -> Response:
    """Show the dearest providers."""
    found = await reports.by_name(who.desk, query, "user", "provider", who.now)
    return shown([{"provider": each.name, "spend": each.spend} for each in found])


@router.get("/global/spend/logs", responses=OK_ROWS)
async def by_date(who: Who, query: Days) -> Response:
    """Show what each day cost."""
    return shown(await reports.spend_by_date(who.desk, query, who.now))


@router.get("/global/spend/report", responses=OK_ROWS)
async def report(who: Who, query: Annotated[Report, Query()]) -> Response:
    """Show each day's spend by team, customer or key, and by model within."""
    if query.api_key is not None or query.internal_user_id is not None:
        one = OwnReport.model_validate(query.model_dump(exclude={"group_by", "customer_id"}))
        whose = "user" if query.api_key is None else "key"
        return shown(await own_reports.own_report(who.desk, who.caller, whose, one, who.now))
    return shown(await reports.report(who.desk, query, who.now))


@router.get("/global/spend/all_tag_names", responses=OK_OBJECT)
async def tag_names(who: Who) -> Response:
    """Show every tag that something was spent under."""
    names = await spend_reports.tag_names(who.desk.stores.postgres, reports.ROWS_AT_MOST)
    return shown({"tag_names": names})


@router.post("/global/spend/end_users", openapi_extra=documented(EndUsersQuery), responses=OK_ROWS)
async def end_users(request: Request, who: Who) -> Response:
    """Show the dearest customers."""
    body = await asked(request, EndUsersQuery)
    query = Between(start_date=body.start_time, end_date=body.end_time, api_key=body.api_key)
    found = await reports.by_name(who.desk, query, "customer", "entity", who.now)
    return shown(
        [
            {"end_user": each.name, "total_count": each.api_requests, "total_spend": each.spend}
            for each in found
        ]
    )


@router.get("/global/activity", responses=OK_OBJECT)
async def all_activity(who: Who, query: Days) -> Response:
    """Show how many requests and tokens there were each day."""
    return shown(await reports.activity(who.desk, query, who.now))


@router.get("/global/activity/model", responses=OK_ROWS)
async def model_activity(who: Who, query: Days) -> Response:
    """Show the same for each model."""
    return shown(await reports.activity_by_model(who.desk, query, who.now))


@router.get("/global/activity/exceptions", responses=OK_ROWS)
async def exceptions(who: Who, query: Days) -> Response:
    """Show how many requests failed on each model."""
    return shown(await reports.failures_by_model(who.desk, query, who.now))


@router.get("/global/activity/cache_hits", responses={200: {"model": CallsReply}})
async def cache_hits(who: Who, query: Annotated[CallsQuery, Query()]) -> Response:
    """Show how many calls of each kind the cache answered, a provider answered, or failed."""
    return shown(await call_activity.call_activity(who.desk, query, who.now))


@router.get("/global/all_end_users", responses=OK_OBJECT)
async def end_user_names(who: Who) -> Response:
    """Show every customer that something was spent for."""
    names = await spend_reports.end_user_names(who.desk.stores.postgres, reports.ROWS_AT_MOST)
    return shown({"end_users": names})


@router.post("/global/spend/reset", responses={200: {"model": Done}})
async def reset(who: Who) -> Response:
    """Let every key and team begin anew with nothing spent; for the master key alone."""
    await reports.reset_spend(who.desk, who.caller, who.principal)
    return shown(Done(message="Spend for all API Keys and Teams reset successfully"))
