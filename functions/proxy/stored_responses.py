"""GET, DELETE and cancel of stored responses, at the provider that stores them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

from functions.proxy.reporting import report_refusal
from functions.proxy.state import gateway_of
from shared.errors import GatewayError
from shared.gateway.stored import StoredRequest, ask_stored

if TYPE_CHECKING:
    from starlette.requests import Request


async def stored_response(tail: str, request: Request) -> Response:
    """Serve a request about one response; `tail` is what follows its id in the path."""
    gateway = gateway_of(request)
    asked = StoredRequest(
        request.method, request.path_params["response_id"], tail, dict(request.query_params)
    )
    try:
        body = await ask_stored(gateway, request.headers, asked)
    except GatewayError as error:
        report_refusal("/responses", error)
        raise
    return Response(orjson.dumps(body), media_type="application/json")
