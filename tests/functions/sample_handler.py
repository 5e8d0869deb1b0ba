"""A small app for the runtimes' own tests: each route shows one thing a runtime has to carry."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from shared.observability import log
from shared.runtime.buffered import lambda_handler
from shared.runtime.http import deadline_of, guard, read_body
from shared.runtime.process import on_restore, start

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send


async def echo(request: Request) -> Response:
    body = await read_body(request)
    told = JSONResponse(
        {
            "method": request.method,
            "path": request.url.path,
            "query": request.query_params.multi_items(),
            "headers": [[n.decode(), v.decode()] for n, v in request.headers.raw],
            "client": request.client.host if request.client else None,
            "body": body.decode("latin-1"),
            "deadline_ms": deadline_of(request),
            "trace": os.environ.get("_X_AMZN_TRACE_ID"),
            "loop": id(asyncio.get_running_loop()),
            "restores": restores,
        },
    )
    told.headers.append("x-many", "one")
    told.headers.append("x-many", "two")
    told.set_cookie("a", "1")
    told.set_cookie("b", "2")
    told.headers["x-latin"] = "Zürich"
    return told


async def binary(_request: Request) -> Response:
    return Response(bytes(range(256)), media_type="application/octet-stream")


async def large(request: Request) -> Response:
    return Response(b'"' * int(request.query_params["bytes"]), media_type="text/plain")


async def broken(_request: Request) -> Response:
    raise ValueError("the prompt was: secret")


async def breaks_midway(_request: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        raise ValueError("the prompt was: secret")

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def breaks_before_the_first_chunk(_request: Request) -> Response:
    async def chunks() -> AsyncIterator[bytes]:
        raise ValueError("the prompt was: secret")
        yield b""

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def gated(request: Request) -> Response:
    """Stream one chunk per byte that comes through the gate, a socket of the test."""
    reader, writer = await _gate(request)

    async def chunks() -> AsyncIterator[bytes]:
        try:
            number = 0
            while (await reader.readexactly(1)) == b"+":
                number += 1
                yield f"data: {number}\n\n".encode()
        finally:
            writer.write(b"over\n")
            writer.close()

    return StreamingResponse(chunks(), media_type="text/event-stream")


async def works_on(request: Request) -> Response:
    """Answer, then work until the gate lets it end."""
    gate = await _gate(request)

    async def work() -> None:
        await gate[0].readexactly(1)
        log.info("worked")
        gate[1].close()

    if "in_task" in request.query_params:
        request.app.state.task = asyncio.create_task(work())
        return JSONResponse("answered")
    return JSONResponse("answered", background=BackgroundTask(work))


async def floods(_request: Request) -> Response:
    """Send more than any buffer holds, for as long as somebody is there."""

    async def chunks() -> AsyncIterator[bytes]:
        while True:
            yield bytes(256 * 1024)

    return StreamingResponse(chunks())


class SaysNothing:
    """Return without an answer, as no Starlette endpoint would."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive, send

    def __await__(self) -> object:
        return iter(())


async def _gate(request: Request) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", int(request.query_params["gate"]))


start("sample")
restores: list[str] = []
on_restore(lambda: restores.append("restored"))


def refuse_restore() -> None:
    raise OSError("no network")


if "RESTORE_FAILS" in os.environ:
    on_restore(refuse_restore)
app = Starlette(
    routes=[
        Route("/says_nothing", SaysNothing),
        *(
            Route(f"/{endpoint.__name__}", endpoint, methods=["GET", "POST"])
            for endpoint in (
                echo,
                binary,
                large,
                broken,
                breaks_midway,
                breaks_before_the_first_chunk,
                gated,
                works_on,
                floods,
            )
        ),
    ],
)
guard(app)
handler = lambda_handler(app)
