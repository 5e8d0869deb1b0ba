"""One LLM request: parse, hand to the gateway, send what it answers, settle, log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from functions.proxy.answers import BufferedAnswer, StreamedAnswer
from functions.proxy.reporting import report_refusal
from functions.proxy.state import gateway_of
from shared.auth.keys import presented_key
from shared.domain import Endpoint
from shared.errors import GatewayError
from shared.gateway.relay import Relay
from shared.gateway.serve import serve
from shared.providers.responses.asking import chat_body
from shared.runtime.http import read_body
from shared.spend.ids import uuid7
from shared.wire.bodies import parse_object
from shared.wire.llm_requests import parse_call

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from shared.domain import JsonObject


async def answer(endpoint: Endpoint, route: str, request: Request) -> Response:
    """Serve one call of `endpoint`."""
    gateway = gateway_of(request)
    try:
        body = parse_object(await read_body(request))
        call = parse_call(
            endpoint,
            _as_chat(body) if endpoint is Endpoint.CHAT else body,
            request.headers,
            id=uuid7(gateway.clock.now()),
            requester_ip=request.client.host if request.client else None,
        )
        served = await serve(gateway, presented_key(request.headers), call, route)
    except GatewayError as error:
        report_refusal(route, error)
        raise
    if isinstance(served, Relay):
        return StreamedAnswer(served, route)
    return BufferedAnswer(served, route)


def _as_chat(body: JsonObject) -> JsonObject:
    """Take a body of the Responses API for a chat: some clients (Cursor) send one here."""
    is_response = "messages" not in body and isinstance(body.get("input"), str | list)
    return chat_body(body) if is_response else body
