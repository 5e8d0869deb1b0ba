"""Google's generateContent for every model: its paths, its two kinds of stream, its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.proxy.llm import Entrance, enter
from functions.proxy.pass_through import pass_through
from functions.proxy.query_key import with_key_of_query
from functions.proxy.state import gateway_of
from shared.domain import Endpoint
from shared.routing.groups import deployments_of
from shared.wire.frames import ArrayFraming, Framing

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

METHODS: Final = {
    "generateContent": Endpoint.CONTENT,
    "streamGenerateContent": Endpoint.CONTENT,
    "countTokens": Endpoint.CONTENT_TOKENS,
}


async def content(method: str, request: Request) -> Response:
    """Serve one call; only `alt=sse` asks for events, else a stream is one JSON array."""
    model: str = request.path_params["model"]
    query = request.query_params
    endpoint = METHODS[method]
    is_array = method.startswith("stream") and query.get("alt") != "sse"
    entrance = Entrance(
        endpoint,
        route=f"/v1beta/models/{model}:{method}",
        log_as=f"/v1beta/models:{method}",
        framing=ArrayFraming(endpoint) if is_array else Framing(endpoint),
        says={"model": model, "stream": method.startswith("stream")},
        headers=with_key_of_query(request),
    )
    return await enter(entrance, request)


async def content_or_passing(method: str, request: Request) -> Response:
    """Serve a call below /gemini: of a configured model like any other, else passed through.

    So a key needs no leave for Google's whole API to call the models that it may call.
    """
    gateway = await gateway_of(request).refreshed()
    if deployments_of(gateway.config, request.path_params["model"]):
        return await content(method, request)
    request.path_params["provider"] = "gemini"
    return await pass_through(request)
