"""Google's generateContent for every model: its paths, its two kinds of stream, its key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from functions.proxy.llm import Entrance, enter
from functions.proxy.query_key import with_key_of_query
from shared.domain import Endpoint
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
