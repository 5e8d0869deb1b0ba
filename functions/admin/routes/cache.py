"""The routes under /cache: the response cache, wherever it is, and nothing else in its database."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import cache_settings
from shared.storage import cache_entries
from shared.storage.health import is_redis_up
from shared.storage.redis import Redis
from shared.wire.admin_config import (
    CacheCleared,
    CacheInfo,
    CacheKeys,
    CachePing,
    CacheSettingsReply,
    UpdateCacheSettings,
    UpdatedCacheSettings,
)

router = APIRouter(tags=["cache"], route_class=DocumentedRoute)


@router.get("/cache/ping", responses={200: {"model": CachePing}})
async def ping(who: Who) -> Response:
    """Say whether the response cache can be read and written."""
    redis = _cache(who)
    is_up = await is_redis_up(redis) and await cache_entries.can_write(redis)
    word = "success" if is_up else "failed"
    status = "healthy" if is_up else "unhealthy"
    reply = CachePing(status=status, ping_response=is_up, set_cache_response=word)
    return shown(reply, 200 if is_up else 503)


@router.post(
    "/cache/delete", openapi_extra=documented(CacheKeys), responses={200: {"model": CacheCleared}}
)
async def delete_entries(request: Request, who: Who) -> Response:
    """Delete entries of the response cache by name."""
    body = await asked(request, CacheKeys)
    deleted = await cache_entries.delete_entries(_cache(who), body.keys)
    return shown(CacheCleared(deleted=deleted))


@router.post("/cache/flushall", responses={200: {"model": CacheCleared}})
async def flush(who: Who) -> Response:
    """Delete every entry of the response cache, and nothing else."""
    return shown(CacheCleared(deleted=await cache_entries.delete_all_entries(_cache(who))))


@router.get("/cache/redis/info", responses={200: {"model": CacheInfo}})
async def info(who: Who) -> Response:
    """Show what the cache's database says of itself; over HTTP it has no clients to list."""
    return shown(CacheInfo(info=await cache_entries.server_info(_cache(who))))


@router.get("/cache/settings", responses={200: {"model": CacheSettingsReply}})
async def show_settings(who: Who) -> Response:
    """Show how answers are cached, and what can be set."""
    return shown(cache_settings.cache_settings(who.desk))


@router.post(
    "/cache/settings",
    openapi_extra=documented(UpdateCacheSettings),
    responses={200: {"model": UpdatedCacheSettings}},
)
async def update_settings(request: Request, who: Who) -> Response:
    """Cache answers, and say how; where the cache is the environment says."""
    body = await asked(request, UpdateCacheSettings)
    settings = await cache_settings.update_cache_settings(who.desk, who.caller, body)
    return shown(UpdatedCacheSettings(settings=settings))


def _cache(who: Who) -> Redis:
    """Return the database in which the response cache is."""
    return who.desk.stores.cache or who.desk.stores.redis
