"""An ASGI app on Lambda whose answers leave as they are made: our runtime in place of Lambda's.

`infra/bootstrap-stream` (AWS_LAMBDA_EXEC_WRAPPER) starts this module; the app is the `app` beside
the function's handler. One invocation at a time, each to its very end before the next is asked
for, since in between the process is frozen.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import sys
from typing import TYPE_CHECKING, Final, cast

import orjson
from mangum.handlers import HTTPGateway

from shared import observability
from shared.errors import BadRequest
from shared.observability import log
from shared.runtime.events import read_event
from shared.runtime.exchange import Exchange
from shared.runtime.http import error_response
from shared.runtime.process import Invocation, begin, finish, restore
from shared.runtime.runtime_api import RuntimeApi, RuntimeApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.types import ASGIApp

    from shared.domain import Json
    from shared.runtime.events import Headers, Incoming
    from shared.runtime.runtime_api import Next, ResponseStream

_TRACE_VARIABLE: Final = "_X_AMZN_TRACE_ID"  # where AWS's libraries look for it
# Of one connection, or of a body whose length is no longer known.
_HOP_BY_HOP: Final = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


def main() -> None:
    """Be the function's process: load its app, answer events until Lambda ends it."""
    api = RuntimeApi(os.environ["AWS_LAMBDA_RUNTIME_API"])
    observability.log_everything()
    try:
        app = _load(os.environ["_HANDLER"])
    except Exception as error:  # noqa: BLE001 - whatever it is, Lambda and the log must hear of it
        log.exception("init_failed", error, reason=str(error))
        asyncio.run(api.init_error(_told(error, str(error))))
        sys.exit(1)
    asyncio.run(_live(app, api))


async def serve(app: ASGIApp, api: RuntimeApi) -> None:
    """Answer one event after the other, for ever."""
    while True:
        received = await api.next()
        # A task of its own, so that what it binds to its log lines ends with it.
        await asyncio.create_task(_answer(app, api, received))


class _Stream:
    """Writes an answer to the Runtime API as it is made."""

    def __init__(self, api: RuntimeApi, request_id: str, *, is_v2: bool) -> None:
        self._api = api
        self._request_id = request_id
        self._is_v2 = is_v2
        self._stream: ResponseStream | None = None
        self.on_gone: Callable[[], None] | None = None

    async def open(self, status: int, headers: Headers) -> None:
        prelude = orjson.dumps(_prelude(status, headers, is_v2=self._is_v2))
        self._stream = await self._api.stream(self._request_id, prelude)
        if self.on_gone is not None:
            self._stream.on_answer(self.on_gone)

    async def write(self, chunk: bytes) -> None:
        if self._stream is not None:
            await self._stream.write(chunk)

    async def close(self) -> None:
        if self._stream is not None:
            await self._stream.end()

    async def fail(self, error: BaseException) -> None:
        if self._stream is not None:
            await self._stream.end(_told(error, "The answer broke off."))

    async def accepted(self) -> None:
        """Wait until Lambda has the whole answer, or is known to have lost it."""
        try:
            if self._stream is not None:
                await self._stream.accepted()
        except RuntimeApiError as error:
            log.warning("answer_not_accepted", reason=str(error))
            await self._api.close()


async def _live(app: ASGIApp, api: RuntimeApi) -> None:
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        await api.restored()
        await api.close()  # the connection is the original's, and this is a copy
        try:
            restore()
        except Exception as error:
            await api.restore_error(_told(error, str(error)))
            raise
    await serve(app, api)


def decode(event: bytes) -> object:
    """Read an event's JSON; raise BadRequest for anything else."""
    try:
        return orjson.loads(event)
    except orjson.JSONDecodeError as error:
        raise BadRequest("The event is no JSON.") from error


async def _answer(app: ASGIApp, api: RuntimeApi, received: Next) -> None:
    invocation = _invocation_of(received.headers)
    begin(invocation)
    try:
        incoming = read_event(decode(received.event), invocation)
    except BadRequest as error:
        log.warning("unreadable_event", reason=type(error.__cause__ or error).__name__)
        sink = _Stream(api, invocation.request_id, is_v2=False)
        await _refuse(sink)
    else:
        sink = _Stream(api, invocation.request_id, is_v2=_is_v2(incoming))
        exchange = Exchange(incoming, sink)
        sink.on_gone = exchange.leave
        await finish(exchange.run(app, invocation), invocation)
    await sink.accepted()


async def _refuse(sink: _Stream) -> None:
    shown = error_response(BadRequest("The event is no clean HTTP request."))
    await sink.open(shown.status_code, shown.raw_headers)
    await sink.write(bytes(shown.body))
    await sink.close()


def _load(handler: str) -> ASGIApp:
    # "functions/proxy/handler.handler": the app is its neighbour.
    module, _, _ = handler.rpartition(".")
    return cast("ASGIApp", importlib.import_module(module.replace("/", ".")).app)


def _invocation_of(headers: Mapping[str, str]) -> Invocation:
    trace_id = headers.get("lambda-runtime-trace-id")
    if trace_id is None:
        os.environ.pop(_TRACE_VARIABLE, None)
    else:
        os.environ[_TRACE_VARIABLE] = trace_id
    return Invocation(
        request_id=headers["lambda-runtime-aws-request-id"],
        deadline_ms=int(headers["lambda-runtime-deadline-ms"]),
        trace_id=trace_id,
    )


def _prelude(status: int, headers: Headers, *, is_v2: bool) -> dict[str, Json]:
    """Make the metadata that API Gateway and Function URLs read before the body.

    A repeated header is a list for API Gateway, one joined line for payload format 2.0; cookies
    have a field of their own in both.
    """
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    cookies = values.pop("set-cookie", [])
    kept = {name: many for name, many in values.items() if name not in _HOP_BY_HOP}
    repeated = {} if is_v2 else {name: many for name, many in kept.items() if len(many) > 1}
    prelude: dict[str, Json] = {
        "statusCode": status,
        "headers": {n: ", ".join(many) for n, many in kept.items() if n not in repeated},
    }
    if repeated:
        prelude["multiValueHeaders"] = cast("Json", repeated)
    if cookies:
        prelude["cookies"] = cast("Json", cookies)
    return prelude


def _is_v2(incoming: Incoming) -> bool:
    return isinstance(incoming.entrance, HTTPGateway)


def _told(error: BaseException, message: str) -> dict[str, Json]:
    return {"errorType": type(error).__name__, "errorMessage": message, "stackTrace": []}


if __name__ == "__main__":
    main()
