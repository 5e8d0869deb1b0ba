"""The routes under /health: public."""

from __future__ import annotations

import asyncio
from http import HTTPStatus

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import shown
from functions.admin.state import state_of
from shared.storage.health import is_postgres_up, is_redis_up

router = APIRouter(tags=["health"])


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
    match has_postgres, has_redis:
        case True, True:
            status = "healthy"
        case False, False:
            status = "unhealthy"
        case _:
            status = "degraded"
    content = {"status": status, "db": _word(has_postgres), "cache": _word(has_redis)}
    is_ready = has_postgres or has_redis
    return shown(content, HTTPStatus.OK if is_ready else HTTPStatus.SERVICE_UNAVAILABLE)


def _word(is_up: bool) -> str:  # noqa: FBT001 - named at its only two calls
    return "connected" if is_up else "Not connected"
