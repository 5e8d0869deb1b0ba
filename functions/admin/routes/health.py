"""The routes under /health and /utils; who is not asked for a key may know what they tell."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from functions.admin.state import state_of
from shared.admin import checkups, connections, health_log, raw_requests, services
from shared.admin.model_lookup import look_up
from shared.storage.health import is_postgres_up, is_redis_up
from shared.wire.admin_checkups import (
    ConnectionReply,
    CountTokens,
    HealthHistory,
    HealthQuery,
    HealthReply,
    LatestHealth,
    RawRequest,
    ReadinessDetails,
    RouteEntry,
    Routes,
    ServiceReply,
    SupportedParams,
    TestConnection,
    TokenCount,
    TransformRequest,
)
from shared.wire.admin_fields import Identifier
from shared.wire.admin_models import ModelLookup

router = APIRouter(tags=["health"], route_class=DocumentedRoute)


@router.get("/health/liveliness", responses={200: {"model": str}})
@router.get("/health/liveness", responses={200: {"model": str}})
async def liveliness() -> Response:
    """Say that the process runs."""
    return shown("I'm alive!")


@router.get("/health/readiness", responses={200: {"model": dict[str, str]}})
async def readiness(request: Request) -> Response:
    """Say which stores answer; with one of them down known keys are still served."""
    stores = state_of(request.app).desk.stores
    has_postgres, has_redis = await asyncio.gather(
        is_postgres_up(stores.postgres), is_redis_up(stores.redis)
    )
    status = _status(has_postgres, has_redis)
    content = {"status": status, "db": _word(has_postgres), "cache": _word(has_redis)}
    is_ready = has_postgres or has_redis
    return shown(content, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)


@router.get("/health/readiness/details", responses={200: {"model": ReadinessDetails}})
async def details(request: Request, who: Who) -> Response:
    """Say the same, and which configuration is in force."""
    stores, live = who.desk.stores, who.desk.live
    has_postgres, has_redis = await asyncio.gather(
        is_postgres_up(stores.postgres), is_redis_up(stores.redis)
    )
    return shown(
        ReadinessDetails(
            status=_status(has_postgres, has_redis),
            db=_word(has_postgres),
            cache=_word(has_redis),
            stage=state_of(request.app).settings.stage,
            config_version=live.version,
            models=len(live.current.groups),
        )
    )


@router.get("/health", responses={200: {"model": HealthReply}})
async def health(
    who: Who,
    model: Annotated[Identifier | None, Query()] = None,
    model_id: Annotated[Identifier | None, Query()] = None,
) -> Response:
    """Call each deployment that the caller's models have with the least it answers.

    Where a model is named and none of its deployments answers, the status is 503.
    """
    named = checkups.Named(model, model_id)
    found = await checkups.health(who.desk, who.principal, named, who.now)
    await health_log.note(who.desk, who.caller, found)
    if not who.caller.sees_all:
        found = checkups.without_addresses(found)
    is_down = named.is_any and found.healthy_count == 0
    return shown(found, HTTPStatus.SERVICE_UNAVAILABLE if is_down else HTTPStatus.OK)


@router.get("/health/history", responses={200: {"model": HealthHistory}})
async def history(who: Who, query: Annotated[HealthQuery, Query()]) -> Response:
    """Show how deployments were when /health called them: each change, and once an hour."""
    return shown(await health_log.history(who.desk, query))


@router.get("/health/latest", responses={200: {"model": LatestHealth}})
async def latest(who: Who) -> Response:
    """Show how each deployment was when /health last called it."""
    return shown(await health_log.latest(who.desk))


@router.post(
    "/health/test_connection",
    openapi_extra=documented(TestConnection),
    responses={200: {"model": ConnectionReply}},
)
async def test_connection(request: Request, who: Who) -> Response:
    """Call a deployment there is, or one that is described and not kept, with the least it answers.

    What is described is judged as by /model/new: nothing of the process's own goes to its address.
    """
    body = await asked(request, TestConnection)
    return shown(await connections.test_connection(who.desk, body, who.now))


@router.get("/health/services", responses={200: {"model": ServiceReply}})
async def try_service(
    request: Request, who: Who, service: Annotated[Identifier, Query()]
) -> Response:
    """Send a test alert to slack or webhook."""
    settings = state_of(request.app).settings
    addresses = {"slack": settings.slack_webhook_url, "webhook": settings.webhook_url}
    return shown(await services.try_service(who.desk, service, addresses))


@router.get("/routes", responses={200: {"model": Routes}})
async def routes(request: Request, who: Who) -> Response:
    """List the routes of the whole gateway."""
    del who
    paths = request.app.openapi()["paths"]
    return shown(
        Routes(
            routes=[
                RouteEntry(path=path, methods=sorted(map(str.upper, operations)))
                for path, operations in paths.items()
            ]
        )
    )


@router.post(
    "/utils/token_counter",
    openapi_extra=documented(CountTokens),
    responses={200: {"model": TokenCount}},
)
async def token_counter(request: Request, who: Who) -> Response:
    """Estimate how many tokens a prompt has."""
    body = await asked(request, CountTokens)
    return shown(checkups.count_tokens(who.desk, body))


@router.post(
    "/utils/transform_request",
    openapi_extra=documented(TransformRequest),
    responses={200: {"model": RawRequest}},
)
async def transform_request(request: Request, who: Who) -> Response:
    """Show what a vendor would be sent for a request, which is not sent; secrets are left out."""
    body = await asked(request, TransformRequest)
    with_place = who.caller.sees_all
    return shown(
        raw_requests.raw_request(who.desk, who.principal, body, who.now, with_place=with_place)
    )


@router.get("/utils/supported_openai_params", responses={200: {"model": SupportedParams}})
async def supported_params(who: Who, model: Annotated[Identifier, Query()]) -> Response:
    """Say which of OpenAI's parameters a model's provider takes."""
    found = checkups.supported_params(who.desk, model)
    return shown(SupportedParams(supported_openai_params=found))


@router.get("/utils/model_info", responses={200: {"model": ModelLookup}})
async def model_info(
    who: Who,
    model: Annotated[Identifier, Query()],
    custom_llm_provider: Annotated[Identifier | None, Query()] = None,
) -> Response:
    """Show limits and prices of any model of any vendor, be it here or not."""
    del who
    return shown(look_up(model, custom_llm_provider))


def _status(has_postgres: bool, has_redis: bool) -> str:  # noqa: FBT001 - named at its calls
    match has_postgres, has_redis:
        case True, True:
            return "healthy"
        case False, False:
            return "unhealthy"
        case _:
            return "degraded"


def _word(is_up: bool) -> str:  # noqa: FBT001 - named at its only two calls
    return "connected" if is_up else "Not connected"
