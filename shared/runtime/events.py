"""An HTTP event of API Gateway (v1, v2), a Function URL or an ALB becomes an ASGI request.

Mangum reads the events and shapes the replies; what it would raise on, or let pass though it is
no clean HTTP, is a BadRequest here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from mangum.handlers import ALB, APIGateway, HTTPGateway

from shared.errors import BadRequest
from shared.runtime.http import EXTENSION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mangum.types import LambdaConfig, LambdaContext
    from starlette.types import Scope

    from shared.runtime.process import Invocation

Entrance = ALB | HTTPGateway | APIGateway
Headers = list[tuple[bytes, bytes]]
Event = dict[str, Any]  # the JSON of whoever invoked us

_CONFIG: Final[LambdaConfig] = {
    "api_gateway_base_path": "/",
    "text_mime_types": ["text/", "application/json"],
    "exclude_headers": [],
}
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SPLITTING: Final = re.compile(r"[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request, and the entrance it came through, which knows the shape of its reply."""

    scope: Scope
    body: bytes
    entrance: Entrance


def read_event(event: object, invocation: Invocation) -> Incoming:
    """Read an HTTP event; raise BadRequest for anything else."""
    try:
        return _read(cast("Event", event), invocation)
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        raise BadRequest("The event is no clean HTTP request.") from error


def _entrance_of(event: object) -> Entrance:
    context = cast("LambdaContext", None)  # handed through to the scope, which has no use for it
    known: Event = cast("Event", event) if isinstance(event, dict) else {}
    if isinstance(known.get("requestContext"), dict):
        if ALB.infer(known, context, _CONFIG):
            return ALB(known, context, _CONFIG)
        if known.get("version") == "2.0":
            return HTTPGateway(known, context, _CONFIG)
    return APIGateway(known, context, _CONFIG)


def _read(event: Event, invocation: Invocation) -> Incoming:
    entrance = _entrance_of(event)
    scope = dict(entrance.scope)
    if not (isinstance(scope["method"], str) and _TOKEN.fullmatch(scope["method"])):
        raise ValueError("no HTTP method")
    scope["path"] = _without_stage(scope["path"], entrance)
    scope["headers"] = list(_headers(event))
    scope["client"] = (scope["client"][0] or "", 0)
    scope["extensions"] = {
        EXTENSION: {
            "deadline_ms": invocation.deadline_ms,
            "request_id": invocation.request_id,
        },
    }
    return Incoming(scope, entrance.body, entrance)


def _without_stage(path: str, entrance: Entrance) -> str:
    # An HTTP API puts the name of a named stage into the path; API Gateway v1 does not.
    if isinstance(entrance, HTTPGateway):
        stage = entrance.event["requestContext"].get("stage")
        if stage not in {None, "$default"} and path.startswith(f"/{stage}/"):
            return path.removeprefix(f"/{stage}")
    return path


def _headers(event: Event) -> Iterator[tuple[bytes, bytes]]:
    many: dict[str, list[str]] | None = event.get("multiValueHeaders")
    one: dict[str, str] = event.get("headers") or {}
    for name, values in many.items() if many else ((name, [value]) for name, value in one.items()):
        if not _TOKEN.fullmatch(name):
            raise ValueError("a header's name is no token")
        for value in values:
            yield name.lower().encode(), _clean(value)
    if cookies := event.get("cookies"):
        yield b"cookie", _clean("; ".join(cookies))


def _clean(value: str) -> bytes:
    if _SPLITTING.search(value):
        raise ValueError("a header's value would split the request")
    return value.encode()
