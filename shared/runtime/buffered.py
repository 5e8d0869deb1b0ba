"""An ASGI app behind what takes a whole answer: HTTP API, Function URL, ALB, REST API.

Whatever the event is, the handler returns a reply: nothing raises out of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from shared.errors import BadRequest, GatewayError
from shared.observability import log
from shared.runtime.events import read_event
from shared.runtime.exchange import Exchange
from shared.runtime.http import error_response
from shared.runtime.process import Invocation, begin, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import ASGIApp

    from shared.runtime.events import Entrance, Headers, Incoming

Reply = dict[str, Any]  # the JSON of a proxy integration

PAYLOAD_CAP: Final = 6 * 1024 * 1024  # Lambda refuses a larger reply, and the caller sees a 502
_TOO_LARGE: Final = "The answer is larger than the 6 MB that this entrance can carry."


def lambda_handler(app: ASGIApp) -> Callable[[object, object], Reply]:
    """Make the handler that Lambda calls with an event and a context."""

    def handler(event: object, context: object) -> Reply:
        invocation = Invocation.of(context)
        begin(invocation)
        try:
            incoming = read_event(event, invocation)
        except BadRequest as error:
            log.warning("unreadable_event", reason=type(error.__cause__).__name__)
            return _refusal(error)
        return run(_answer(app, incoming, invocation), invocation)

    return handler


class _Whole:
    """Collects an answer; a failed one is a 500, since nobody has seen any of it."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: Headers = []
        self.body = bytearray()

    async def open(self, status: int, headers: Headers) -> None:
        self.status, self.headers = status, headers

    async def write(self, chunk: bytes) -> None:
        self.body += chunk

    async def close(self) -> None:
        """Nothing to do: the answer is returned as a whole."""

    async def fail(self, error: BaseException) -> None:
        del error  # logged where it was caught
        shown = error_response(GatewayError("Internal server error"))
        self.status, self.headers = shown.status_code, shown.raw_headers
        self.body = bytearray(shown.body)


async def _answer(app: ASGIApp, incoming: Incoming, invocation: Invocation) -> Reply:
    whole = _Whole()
    await Exchange(incoming, whole).run(app, invocation)
    reply = _shape(incoming.entrance, whole.status, whole.headers, bytes(whole.body))
    if _is_too_large(reply):
        log.error("answer_too_large", bytes=len(whole.body))
        return _refusal(GatewayError(_TOO_LARGE))
    return reply


def _is_too_large(reply: Reply) -> bool:
    # Escapes make a byte six at most; measuring costs more than most answers, so only large ones.
    if len(reply["body"]) * 6 < PAYLOAD_CAP:
        return False
    return len(json.dumps(reply, ensure_ascii=False).encode()) > PAYLOAD_CAP


def _refusal(error: GatewayError) -> Reply:
    # Made without the event, which may be anything; every entrance reads one of the two headers.
    shown = error_response(error)
    return {
        "statusCode": shown.status_code,
        "headers": dict(shown.headers),
        "multiValueHeaders": {name: [value] for name, value in shown.headers.items()},
        "body": bytes(shown.body).decode(),
        "isBase64Encoded": False,
    }


def _shape(entrance: Entrance, status: int, headers: Headers, body: bytes) -> Reply:
    # HTTP's headers are latin-1; Mangum decodes UTF-8.
    recoded = [[name, value.decode("latin-1").encode()] for name, value in headers]
    return entrance(cast("Any", {"status": status, "headers": recoded, "body": body}))
