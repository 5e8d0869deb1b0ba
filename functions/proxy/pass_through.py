"""/{provider}/…: a vendor's own API, with the virtual key swapped for a deployment's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import Response

from functions.proxy.answers import BufferedAnswer, StreamedAnswer
from functions.proxy.query_key import with_key_of_query
from functions.proxy.reporting import ids_of_refusal, report_refusal
from functions.proxy.state import gateway_of
from shared.config.vendors import VENDORS
from shared.domain import Passing
from shared.errors import GatewayError, VendorRefused
from shared.gateway.relay import Relay
from shared.gateway.serve import serve
from shared.runtime.http import deadline_of, read_body
from shared.spend.ids import uuid7
from shared.wire.frames import PassingFraming
from shared.wire.header_values import safe_headers, with_end_user
from shared.wire.passing_requests import parse_passing

if TYPE_CHECKING:
    from starlette.requests import Request


class ProviderConvertor(StringConvertor):
    """Takes a known provider's name for a path's first segment, and nothing else."""

    regex = "|".join(sorted(VENDORS))


register_url_convertor("provider", ProviderConvertor())


async def pass_through(request: Request) -> Response:
    """Serve one request below a provider's name."""
    gateway = gateway_of(request)
    provider: str = request.path_params["provider"]
    raw_path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    path = raw_path.partition(b"?")[0].decode("latin-1").removeprefix(f"/{provider}")
    route = f"/{provider}{path}"
    call_id = uuid7(gateway.clock.now())
    ids = ids_of_refusal(request.headers, call_id)
    try:
        call = parse_passing(
            provider,
            Passing(
                request.method,
                path,
                request.scope["query_string"].decode("latin-1"),
                dict(request.headers),
                await read_body(request),
            ),
            with_end_user(request.headers, gateway.config.general.end_user_headers),
            id=call_id,
            requester_ip=request.client.host if request.client else None,
        )
        call = replace(call, deadline=deadline_of(request))
        served = await serve(gateway, with_key_of_query(request), call, route)
    except VendorRefused as error:
        report_refusal(route[:255], error)
        return Response(error.raw, error.status, headers=ids | safe_headers(error.shown))
    except GatewayError as error:
        report_refusal(route[:255], error)
        error.headers = {**ids, **error.headers}
        raise
    if isinstance(served, Relay):
        kind = served.head.headers.get("content-type", "") if served.head else ""
        return StreamedAnswer(served, f"/{provider}", PassingFraming(call.endpoint, kind))
    return BufferedAnswer(served, f"/{provider}")
