"""Bodies come in capped, errors go out in one shape, headers cannot split a response."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import httpx
import pytest
from fastapi import Body, FastAPI
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from shared.errors import OverLimit, TooLarge, UnsupportedMedia
from shared.runtime.http import guard, read_body, safe_headers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Message

CAP = 100


class Budget(BaseModel):
    model_config = ConfigDict(strict=True)
    max_budget: Annotated[float, Field(ge=0, allow_inf_nan=False)]


async def echo_size(request: Request) -> PlainTextResponse:
    return PlainTextResponse(str(len(await read_body(request, CAP))))


async def over_limit(_request: Request) -> PlainTextResponse:
    raise OverLimit("Too\r\nmany €", limit_type="a\nb", retry_after=7, reset_at="now")


async def broken(_request: Request) -> PlainTextResponse:
    raise ValueError("postgres said: row of another tenant")


async def splitting(_request: Request) -> PlainTextResponse:
    return PlainTextResponse("ok", headers={"x-model": "a\r\nset-cookie: b"})


async def breaks_midway(_request: Request) -> StreamingResponse:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"first"
        raise ValueError("midway")

    return StreamingResponse(chunks())


@pytest.fixture(params=[Starlette, FastAPI])
def app(request: pytest.FixtureRequest) -> Starlette:
    handlers = (echo_size, over_limit, broken, splitting, breaks_midway)
    app: Starlette = request.param()
    app.router.routes += [Route(f"/{h.__name__}", h, methods=["POST"]) for h in handlers]
    guard(app)
    return app


@pytest.fixture
def admin() -> FastAPI:
    app = FastAPI()

    @app.post("/budget")
    async def budget(body: Annotated[Budget, Body()]) -> float:
        return body.max_budget

    guard(app)
    return app


async def post(app: ASGIApp, path: str, **how: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own arguments
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        return await client.post(path, **how)


def request_of(chunks: list[bytes], **headers: str) -> tuple[Request, list[bytes]]:
    taken: list[bytes] = []

    async def receive() -> Message:
        taken.append(chunks[len(taken)])
        return {
            "type": "http.request",
            "body": taken[-1],
            "more_body": len(taken) < len(chunks),
        }

    raw = [(n.replace("_", "-").encode(), v.encode()) for n, v in headers.items()]
    return Request({"type": "http", "headers": raw}, receive), taken


async def test_a_body_up_to_the_cap_is_read() -> None:
    request, _ = request_of([b"a" * 60, b"b" * 40])

    body = await read_body(request, CAP)

    assert b"a" * 60 + b"b" * 40 == body


async def test_reading_stops_at_the_cap() -> None:
    request, taken = request_of([b"a" * 60] * 50)

    with pytest.raises(TooLarge):
        await read_body(request, CAP)

    assert 2 == len(taken)


async def test_a_declared_length_over_the_cap_is_refused_unread() -> None:
    request, taken = request_of([b"a"], content_length="101")

    with pytest.raises(TooLarge):
        await read_body(request, CAP)

    assert [] == taken


@pytest.mark.parametrize("length", ["", "-5", "abc", "1e3", "²"])
async def test_a_nonsense_length_is_not_believed(length: str) -> None:
    request, _ = request_of([b"abc"], content_length=length)

    assert b"abc" == await read_body(request, CAP)


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "br", "identity, gzip", "deflate"])
async def test_a_compressed_body_is_refused_unread(encoding: str) -> None:
    request, taken = request_of([b"a"], content_encoding=encoding)

    with pytest.raises(UnsupportedMedia):
        await read_body(request, CAP)

    assert [] == taken


async def test_too_large_is_413_in_the_error_shape(app: Starlette) -> None:
    reply = await post(app, "/echo_size", content=b"a" * 101)

    error = reply.json()["error"]
    assert (413, "413", "request_body") == (reply.status_code, error["code"], error["param"])


async def test_a_refusal_carries_its_headers_made_safe(app: Starlette) -> None:
    reply = await post(app, "/over_limit")

    assert (429, "throttling_error") == (reply.status_code, reply.json()["error"]["type"])
    assert ("7", "a?b") == (reply.headers["retry-after"], reply.headers["rate_limit_type"])


@pytest.mark.parametrize(
    ("path", "status", "type_"),
    [("/nothing", 404, "not_found_error"), ("/broken/", 404, "not_found_error")],
)
async def test_an_unknown_route_is_404_in_the_error_shape(
    app: Starlette,
    path: str,
    status: int,
    type_: str,
) -> None:
    reply = await post(app, path)

    error = reply.json()["error"]
    assert (status, type_, str(status)) == (reply.status_code, error["type"], error["code"])


async def test_a_wrong_method_is_405_in_the_error_shape(app: Starlette) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://g") as client:
        reply = await client.get("/broken")

    assert (405, "405") == (reply.status_code, reply.json()["error"]["code"])
    assert "POST" == reply.headers["allow"]


async def test_an_unexpected_failure_is_a_logged_500_without_internals(
    app: Starlette,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reply = await post(app, "/broken")

    assert (500, "internal_server_error") == (reply.status_code, reply.json()["error"]["type"])
    logged = capsys.readouterr().out
    assert (True, False) == ("ValueError" in logged, "another tenant" in logged + reply.text)


async def test_a_failure_after_the_first_byte_is_logged_and_cuts_the_connection(
    app: Starlette,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ValueError, match="midway"):
        await post(app, "/breaks_midway")

    assert "unexpected" in capsys.readouterr().out


async def test_no_header_splits_the_response(app: Starlette) -> None:
    reply = await post(app, "/splitting")

    assert ("a  set-cookie: b", False) == (reply.headers["x-model"], "set-cookie" in reply.headers)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"max_budget": -1}', "max_budget"),
        (b'{"max_budget": true}', "max_budget"),
        (b'{"max_budget": "5"}', "max_budget"),
        (b'{"max_budget": NaN}', "max_budget"),
        (b'{"max_budget": 1e309}', "max_budget"),
        (b'{"max_budget": "\\ud800"}', "max_budget"),
        (b"{}", "max_budget"),
        (b"{", "request_body"),
        (b"", "request_body"),
        (b"[]", "request_body"),
    ],
)
async def test_invalid_fields_are_400_naming_the_field(
    admin: FastAPI,
    body: bytes,
    param: str,
) -> None:
    reply = await post(admin, "/budget", content=body, headers={"content-type": "application/json"})

    error = reply.json()["error"]
    assert (400, "invalid_request_error", param, "400") == (
        reply.status_code,
        error["type"],
        error["param"],
        error["code"],
    )


async def test_an_invalid_value_is_not_quoted(admin: FastAPI) -> None:
    reply = await post(admin, "/budget", json={"max_budget": "my secret"})

    assert "my secret" not in reply.text


@pytest.mark.parametrize(
    ("value", "sent"),
    [("a\r\nb", "a??b"), ("a\0b", "a?b"), ("Zürich", "Zürich"), ("日本", "??"), ("\x85 ", "?")],
)
def test_foreign_header_values_are_made_sendable(value: str, sent: str) -> None:
    assert {"x-model": sent} == safe_headers({"x-model": value})


@pytest.mark.parametrize("name", ["", "x model", "x\r\ny", "x:y", "ü"])
def test_a_header_name_that_is_no_token_is_left_out(name: str) -> None:
    assert {} == safe_headers({name: "v"})


@pytest.mark.parametrize("host", ["localhost:4000/#@x", "a/health#", "a?b", "a@b", "a b", "a:x"])
async def test_a_host_that_is_none_is_refused(app: Starlette, host: str) -> None:
    reply = await post(app, "/echo_size", headers={"host": host})

    assert (400, "invalid_request_error") == (reply.status_code, reply.json()["error"]["type"])


@pytest.mark.parametrize("host", ["api.example.com", "localhost:4000", "[::1]:4000", "10.0.0.1"])
async def test_an_ordinary_host_is_served(app: Starlette, host: str) -> None:
    reply = await post(app, "/echo_size", headers={"host": host})

    assert 200 == reply.status_code
