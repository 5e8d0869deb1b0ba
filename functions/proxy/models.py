"""GET /v1/models and /v1/models/{id}: what the caller may call, in OpenAI's shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from functions.proxy.state import gateway_of
from shared.auth.keys import presented_key
from shared.errors import NotFound
from shared.gateway.catalogue import visible_models
from shared.wire.model_list import model_entry, model_list

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.domain import JsonObject


async def list_models(request: Request) -> Response:
    """List the models."""
    return _json(model_list(await _names(request)))


async def show_model(request: Request) -> Response:
    """Show one model; 404 also for one that the caller may not call."""
    name: str = request.path_params["model"]
    if name not in await _names(request):
        raise NotFound(f"The model '{name}' does not exist", param="model")
    return _json(model_entry(name))


async def _names(request: Request) -> list[str]:
    return await visible_models(gateway_of(request), presented_key(request.headers))


def _json(body: JsonObject) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
