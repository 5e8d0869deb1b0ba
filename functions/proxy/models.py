"""GET /v1/models and /v1/models/{id}: what the caller may call.

In Anthropic's shape for its clients, who say so by `anthropic-version`; in Google's below /v1beta
and for its SDKs, which ask at /v1 too and say `x-goog-api-client`; else in OpenAI's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson
from starlette.responses import Response

from functions.proxy.query_key import with_key_of_query
from functions.proxy.state import gateway_of
from shared.errors import NotFound
from shared.gateway.catalogue import Listing, visible_models
from shared.wire.model_list import (
    Page,
    content_model_entry,
    content_model_list,
    messages_model_entry,
    messages_model_list,
    model_entry,
    model_list,
)

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.domain import JsonObject


_GOOGLES: Final = "/v1beta/"


async def list_models(request: Request) -> Response:
    """List the models."""
    names = await _names(request)
    query = request.query_params
    if _is_googles(request):
        return _json(content_model_list(names, query.get("pageSize"), query.get("pageToken")))
    if not _is_anthropics(request):
        return _json(model_list(names))
    page = Page(
        limit=query.get("limit"), after=query.get("after_id"), before=query.get("before_id")
    )
    return _json(messages_model_list(names, page))


async def show_model(request: Request) -> Response:
    """Show one model; 404 also for one that the caller may not call."""
    name: str = request.path_params["model"]
    if name not in await _names(request):
        raise NotFound(f"The model '{name}' does not exist", param="model")
    if _is_googles(request):
        return _json(content_model_entry(name))
    return _json(messages_model_entry(name) if _is_anthropics(request) else model_entry(name))


def _is_googles(request: Request) -> bool:
    return request.url.path.startswith(_GOOGLES) or "x-goog-api-client" in request.headers


def _is_anthropics(request: Request) -> bool:
    return "anthropic-version" in request.headers


async def _names(request: Request) -> list[str]:
    listing = Listing(
        with_access_groups=_is_asked(request, "include_model_access_groups"),
        only_access_groups=_is_asked(request, "only_model_access_groups"),
    )
    headers = with_key_of_query(request) if _is_googles(request) else request.headers
    return await visible_models(gateway_of(request), headers, listing)


def _is_asked(request: Request, name: str) -> bool:
    return request.query_params.get(name, "").lower() in {"true", "1"}


def _json(body: JsonObject) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
