"""Answer Upstash's REST protocol; a bare ASGI app, because local benchmarks go through it."""

from __future__ import annotations

import asyncio
import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote

import orjson

from local.asgi import BodyTooLarge, Hangup, Reply, Request, event, hang_up, send_events
from local.door.commands import (
    NotACommand,
    Scripts,
    argument,
    event_data,
    item,
    names,
    parse,
    parse_each,
)
from local.door.control import CONTROL_PATH, Control
from local.door.faults import Calls, Fault, Faults
from local.door.resp import Command, Connection, ErrorReply, Value

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from starlette.types import Receive, Scope, Send

METHODS = frozenset({"GET", "POST", "PUT", "HEAD"})
STREAMS = frozenset({"subscribe", "psubscribe", "monitor"})
UNAUTHORIZED = Reply(401, {"error": "WRONGPASS invalid or missing auth token"})
TOO_LARGE = Reply(413, {"error": "ERR max request size exceeded"})
FAULTY: dict[str, Reply] = {
    "status_429": Reply(429, {"error": "ERR max requests limit exceeded"}),
    "status_500": Reply(500, {"error": "ERR internal error"}),
    "html_502": Reply(502, None, html="<html><body><h1>502 Bad Gateway</h1></body></html>"),
}


@dataclass(frozen=True, slots=True)
class _Batch:
    """The commands of one HTTP call; an item that is no command waits as its error."""

    items: list[Command | ErrorReply]
    shape: str = ""  # "" for one command, else "pipeline" or "multi-exec"

    @property
    def commands(self) -> list[Command]:
        return [each for each in self.items if not isinstance(each, ErrorReply)]


class Door:
    """The ASGI app. `faults` and `calls` are for tests; `control_token` opens them over HTTP."""

    def __init__(self, valkey: Connection, token: str, control_token: str = "") -> None:
        """Stand before `valkey`; whoever brings `token` may pass."""
        self.faults = Faults()
        self.calls = Calls()
        self._valkey = valkey
        self._token = token.encode()
        self._scripts = Scripts()
        self._control = Control(self.faults, self.calls, control_token) if control_token else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise ValueError(f"the door speaks HTTP, not {scope['type']}")
        request = Request(scope, receive)
        try:
            await self._serve(request, send)
        except Hangup:
            await hang_up(scope, request)

    async def _serve(self, request: Request, send: Send) -> None:
        if self._control and request.path.startswith(CONTROL_PATH):
            await (await self._control.reply(request)).send(send)
            return
        if self.faults and self.faults.next(None):
            raise Hangup
        if request.method not in METHODS:
            await Reply(405, {"error": "ERR method not allowed"}).send(send)
        elif not self._is_authorized(request):
            await UNAUTHORIZED.send(send)
        elif (parts := _parts(request.path)) and parts[0] in STREAMS:
            self.calls.add([parts[0].upper()])
            await send_events(self._events(parts), request, send)
        else:
            await (await self._reply(request, parts)).send(send)

    def _is_authorized(self, request: Request) -> bool:
        presented = request.header(b"authorization")
        if presented[:7].lower() == b"bearer ":
            return hmac.compare_digest(presented[7:].strip(), self._token)
        query = dict(parse_qsl(request.query)) if b"_token" in request.query else {}
        return hmac.compare_digest(query.get(b"_token", b""), self._token)

    async def _events(self, parts: list[str]) -> AsyncIterator[bytes]:
        command = [parts[0].upper().encode(), *(unquote(part).encode() for part in parts[1:])]
        async for said in self._valkey.listen(command):
            yield event(event_data(said))

    async def _reply(self, request: Request, parts: list[str]) -> Reply:
        try:
            batch = self._batch(parts, request, await request.body())
        except NotACommand as error:
            return Reply(400, {"error": str(error)})
        except BodyTooLarge:
            return TOO_LARGE
        asked = names(batch.commands)
        self.calls.add(asked)
        fault = self.faults.next(asked) if self.faults else None
        if fault and (reply := await self._fail(fault, batch)):
            return reply
        try:
            values = await self._run(batch)
        except OSError as error:
            return Reply(500, {"error": f"ERR Valkey is away: {error}"})
        if fault and fault.kind == "drop_after":
            raise Hangup
        return _told(batch, values, is_base64=request.header(b"upstash-encoding") == b"base64")

    def _batch(self, parts: list[str], request: Request, body: bytes) -> _Batch:
        if not parts:
            return _Batch([self._command(_json(body))])
        match parts:
            case ["multi-exec"]:  # one bad command discards them all
                return _Batch([self._command(each) for each in parse_each(_json(body))], parts[0])
            case ["pipeline"]:
                return _Batch([self._or_error(each) for each in parse_each(_json(body))], parts[0])
            case _:
                return _Batch([self._command(_path_command(parts, request, body))])

    def _command(self, said: object) -> Command:
        return self._scripts.translate(parse(said))

    def _or_error(self, said: object) -> Command | ErrorReply:
        try:
            return self._command(said)
        except NotACommand as error:
            return ErrorReply(error)

    async def _fail(self, fault: Fault, batch: _Batch) -> Reply | None:
        """Do what the fault says; return None when the call goes on."""
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        if fault.kind == "half_pipeline":
            await self._valkey.call(batch.commands[: len(batch.commands) // 2])
        if fault.kind in {"half_pipeline", "drop_before"}:
            raise Hangup
        return FAULTY.get(fault.kind)

    async def _run(self, batch: _Batch) -> list[Value]:
        commands = batch.commands
        if batch.shape != "multi-exec":
            return await self._valkey.call(commands) if commands else []
        replies = await self._valkey.call([[b"MULTI"], *commands, [b"EXEC"]])
        return [replies[-1]]


def _told(batch: _Batch, values: Sequence[Value], *, is_base64: bool) -> Reply:
    """Return what the client is told about the values of its commands."""
    first = values[0] if values else None
    match batch.shape, first:
        case (("" | "multi-exec"), ErrorReply()):
            return Reply(400, item(first, is_base64=is_base64))
        case "multi-exec", list():
            return Reply(200, [item(value, is_base64=is_base64) for value in first])
        case "pipeline", _:
            left = iter(values)
            all_values = [e if isinstance(e, ErrorReply) else next(left) for e in batch.items]
            return Reply(200, [item(value, is_base64=is_base64) for value in all_values])
        case _:
            return Reply(200, item(first, is_base64=is_base64))


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def _json(body: bytes) -> object:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotACommand(f"ERR failed to parse command: {error}") from error


def _path_command(parts: list[str], request: Request, body: bytes) -> list[object]:
    """Read `/set/key/value?EX=9`; a body is the last argument but for the query's."""
    command: list[object] = [unquote(part) for part in parts]
    if body:
        command.append(body)
    for name, value in parse_qsl(request.query, keep_blank_values=True):
        if name != b"_token":
            command += [name, value] if value else [name]
    return [argument(each) for each in command]
