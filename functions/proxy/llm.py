"""One LLM request: parse, hand to the gateway, send what it answers, settle, log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from functions.proxy.answers import BufferedAnswer, StreamedAnswer
from functions.proxy.reporting import ids_of_refusal, report_refusal
from functions.proxy.several import SeveralAnswers
from functions.proxy.state import gateway_of
from shared.domain import Endpoint
from shared.errors import GatewayError
from shared.gateway.relay import Relay
from shared.gateway.serve import serve
from shared.gateway.several import each_of, serve_each, serve_fastest
from shared.providers.responses.asking import chat_body
from shared.runtime.http import deadline_of, read_body
from shared.spend.ids import uuid7
from shared.wire.bodies import parse_object
from shared.wire.frames import Framing
from shared.wire.header_values import with_end_user
from shared.wire.llm_requests import parse_call
from shared.wire.media_requests import FORMS, form_body
from shared.wire.multipart import parse_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from shared.domain import JsonObject, Upload


@dataclass(frozen=True, slots=True)
class Entrance:
    """How a call came in: what it is, and how its answer is written.

    `log_as` is what the log calls the route, where `route` itself holds a name; `says` is what the
    path says that belongs into the body.
    """

    endpoint: Endpoint
    route: str
    log_as: str
    framing: Framing
    says: JsonObject
    headers: Mapping[str, str]


async def answer(endpoint: Endpoint, route: str, request: Request) -> Response:
    """Serve one call of `endpoint`."""
    named = request.path_params.get("model")
    says: JsonObject = {"model": named} if named else {}
    framing = Framing(endpoint)
    return await enter(Entrance(endpoint, route, route, framing, says, request.headers), request)


async def enter(entrance: Entrance, request: Request) -> Response:
    """Serve one call."""
    gateway, endpoint = gateway_of(request), entrance.endpoint
    call_id = uuid7(gateway.clock.now())
    try:
        body, uploads = await _read(endpoint, request)
        body |= entrance.says
        call = parse_call(
            endpoint,
            _as_chat(body) if endpoint is Endpoint.CHAT else body,
            with_end_user(entrance.headers, gateway.config.general.end_user_headers),
            id=call_id,
            requester_ip=request.client.host if request.client else None,
            uploads=uploads,
        )
        call = replace(call, deadline=deadline_of(request))
        calls = each_of(gateway, call)
        if calls and body.get("fastest_response") is not True:
            several = await serve_each(gateway, entrance.headers, calls, entrance.route)
            return SeveralAnswers(several, call_id, entrance.log_as)
        if calls:
            served = await serve_fastest(gateway, entrance.headers, calls, entrance.route)
        else:
            served = await serve(gateway, entrance.headers, call, entrance.route)
    except GatewayError as error:
        report_refusal(entrance.log_as, error)
        error.headers = {**ids_of_refusal(entrance.headers, call_id), **error.headers}
        raise
    if isinstance(served, Relay):
        return StreamedAnswer(served, entrance.log_as, entrance.framing)
    return BufferedAnswer(served, entrance.log_as)


async def _read(endpoint: Endpoint, request: Request) -> tuple[JsonObject, tuple[Upload, ...]]:
    """Read a body, or a form where the endpoint takes one."""
    raw = await read_body(request)
    if endpoint not in FORMS:
        return parse_object(raw), ()
    form = parse_form(request.headers.get("content-type", ""), raw)
    return form_body(endpoint, form), form.uploads


def _as_chat(body: JsonObject) -> JsonObject:
    """Take a body of the Responses API for a chat: some clients (Cursor) send one here."""
    is_response = "messages" not in body and isinstance(body.get("input"), str | list)
    return chat_body(body) if is_response else body
