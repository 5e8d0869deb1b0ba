"""The HTTP edge of both apps: how a body comes in and how an error goes out.

Call `guard(app)` once on an app; read bodies with `read_body`; pass foreign header values through
`safe_headers`.
"""

from __future__ import annotations

import json
import re
import sys
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from shared.errors import BadRequest, GatewayError, NotFound, TooLarge, UnsupportedMedia
from shared.observability import log
from shared.wire.error_body import error_body_at
from shared.wire.header_values import safe_headers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fastapi.exceptions import RequestValidationError
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from shared.domain import Millis

BODY_CAP: Final = 6 * 1024 * 1024
EXTENSION: Final = "tollgate"  # our part of an ASGI scope's extensions

PREFLIGHT_SECONDS: Final = 600
_LONGEST_PARAM: Final = 255
_LONGEST_REASON: Final = 300
_HOST: Final = re.compile(rb"[A-Za-z0-9._-]*(\[[0-9a-fA-F:.]*\])?(:[0-9]{1,5})?")
_UNSAFE_BYTES: Final = re.compile(rb"[\r\n\0]")


async def read_body(request: Request, cap: int = BODY_CAP) -> bytes:
    """Read the body, and stop as soon as it is over `cap` bytes.

    Raise UnsupportedMedia for an encoded body, TooLarge over the cap.
    """
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in {"", "identity"}:
        raise UnsupportedMedia(
            "The request body is compressed; send it as it is, without `content-encoding`.",
            param="request_body",
        )
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared[:20]) > cap:
        raise _too_large(cap)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > cap:
            raise _too_large(cap)
    return bytes(body)


def deadline_of(request: Request) -> Millis | None:
    """Tell when the process will be gone; None where nothing ends it, as on a server."""
    extensions: Mapping[str, Mapping[str, Millis | None]] = request.scope.get("extensions") or {}
    return extensions.get(EXTENSION, {}).get("deadline_ms")


def error_response(error: GatewayError, path: str = "") -> Response:
    """Show an error to the caller, in the shape of the entrance that `path` leads to."""
    return Response(
        json.dumps(error_body_at(path, error), separators=(",", ":")),
        status_code=error.status,
        headers=safe_headers(error.headers),
        media_type="application/json",
    )


def guard(app: Starlette) -> None:
    """Let every failure of `app` reach the caller in one shape, and none of its internals."""
    # A redirect to the path with or without its slash would be built from the caller's Host.
    app.router.redirect_slashes = False
    app.add_exception_handler(GatewayError, _on_gateway_error)
    app.add_exception_handler(HTTPException, _on_http_exception)
    if "fastapi" in sys.modules:  # a plain Starlette app must not pay for its import
        from fastapi.exceptions import RequestValidationError  # noqa: PLC0415

        app.add_exception_handler(RequestValidationError, _on_invalid_request)
    app.add_middleware(Boundary)
    # Outermost, so that a page reads errors too. Keys come in headers that a page must set itself:
    # there are no cookies, hence nothing that another site could make a browser send along.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=["*"],
        allow_methods=["*"],
        allow_headers=["*"],
        expose_headers=["*"],
        max_age=PREFLIGHT_SECONDS,
    )


def invalid_request(problems: Sequence[Mapping[str, object]]) -> BadRequest:
    """Say in one sentence what pydantic found (`error.errors()`), and name the first field.

    The caller's values are not quoted.
    """
    first = problems[0]
    where = [str(step) for step in cast("Sequence[object]", first["loc"])]
    if where and where[0] in {"body", "query", "path", "header", "cookie"}:
        where = where[1:]
    if not where or first["type"] == "json_invalid":
        where = ["request_body"]
    param = ".".join(where)[:_LONGEST_PARAM]
    others = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    reason = str(first["msg"])[:_LONGEST_REASON]
    return BadRequest(f"Invalid request: {param}: {reason}{others}", param=param)


class Boundary:
    """The only broad `except` of an app: log what nobody expected, answer 500 while one can.

    It also refuses a Host that is none, and to send a header that would split the response.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the app behind the boundary."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if not all(_HOST.fullmatch(v) for name, v in scope["headers"] if name == b"host"):
            # Starlette builds `request.url` from it: `Host: a/health#` would hide the true path.
            error = BadRequest("The Host header is no host name.")
            await error_response(error)(scope, receive, send)
            return
        has_started = False

        async def guarded_send(message: Message) -> None:
            nonlocal has_started
            if message["type"] == "http.response.start":
                has_started = True
                message["headers"] = _unsplit(message.get("headers", ()))
            await send(message)

        try:
            await self._app(scope, receive, guarded_send)
        except ClientDisconnect:
            log.info("client_gone", path=scope["path"][:_LONGEST_PARAM])
        except Exception as error:
            log.exception("unexpected", error, path=scope["path"][:_LONGEST_PARAM])
            if has_started:  # too late for a status: the server cuts the connection
                raise
            shown = error_response(GatewayError("Internal server error"), scope["path"])
            await shown(scope, receive, send)


def _unsplit(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    kept = list(headers)
    if _UNSAFE_BYTES.search(b"".join(name + value for name, value in kept)):
        return [
            (_UNSAFE_BYTES.sub(b"", name), _UNSAFE_BYTES.sub(b" ", value)) for name, value in kept
        ]
    return kept


def _too_large(cap: int) -> TooLarge:
    return TooLarge(f"The request body is larger than {cap} bytes.", param="request_body")


async def _on_gateway_error(request: Request, error: Exception) -> Response:
    return error_response(cast("GatewayError", error), request.url.path)


async def _on_http_exception(request: Request, error: Exception) -> Response:
    problem = cast("HTTPException", error)
    match problem.status_code:
        case HTTPStatus.NOT_FOUND:
            return error_response(NotFound("Not found: there is no such route."), request.url.path)
        case HTTPStatus.METHOD_NOT_ALLOWED:
            shown = BadRequest(
                f"Method {request.method} is not allowed here.",
                headers=problem.headers,
            )
        case _:
            shown = BadRequest(problem.detail, headers=problem.headers)
    shown.status = problem.status_code
    return error_response(shown, request.url.path)


async def _on_invalid_request(_request: Request, error: Exception) -> Response:
    return error_response(invalid_request(cast("RequestValidationError", error).errors()))
