"""Lambda's side of the Runtime API, for tests: hands out events, takes responses, checks both.

It speaks HTTP by itself so that a test sees each chunk when it arrives, and breaks off when it
wants to.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
import time
import uuid
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

ROOT = Path(__file__).resolve().parents[2]
BASE = "/2018-06-01/runtime"
CLOCK = {name: os.environ[name] for name in ("LD_PRELOAD", "FAKETIME") if name in os.environ}
"""Where `faketime` moves the tests' clock, it moves that of what they start."""

PATIENCE = 60.0  # a hang, not a measure: what is waited for comes at once


@dataclass
class Outcome:
    """What became of one invocation, as it comes in."""

    request_id: str
    deadline_ms: int
    kind: str = ""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    trailers: dict[str, str] = field(default_factory=dict[str, str])
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    pieces: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue[bytes])
    received: bytearray = field(default_factory=bytearray)
    writer: asyncio.StreamWriter | None = None
    is_read: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.is_read.set()

    async def piece(self) -> bytes:
        """The next chunk, as soon as it is here."""
        return await asyncio.wait_for(self.pieces.get(), PATIENCE)

    async def prelude(self) -> dict[str, Any]:
        """The metadata of a streamed response."""
        metadata, delimiter, rest = (await self.piece()).partition(bytes(8))
        assert (bytes(8), b"") == (delimiter, rest)
        return json.loads(metadata)

    async def end(self) -> bytes:
        """All that was received, once it is complete."""
        await asyncio.wait_for(self.ended.wait(), PATIENCE)
        return bytes(self.received)

    async def reply(self) -> dict[str, Any]:
        """A buffered handler's reply, or the error that it raised."""
        return json.loads(await self.end())

    async def streamed(self) -> tuple[dict[str, Any], bytes]:
        """A streamed response's metadata and its whole body."""
        metadata, _, body = (await self.end()).partition(bytes(8))
        return json.loads(metadata), body

    def break_off(self) -> None:
        """Close the connection as if nobody read any more."""
        assert self.writer is not None
        self.writer.transport.abort()

    def stop_reading(self) -> None:
        """Leave what comes where it is."""
        self.is_read.clear()

    @property
    def error(self) -> dict[str, Any]:
        """What the trailers say went wrong after the first byte."""
        return json.loads(base64.b64decode(self.trailers["lambda-runtime-function-error-body"]))


class RuntimeApiEmulator:
    """One function's Runtime API."""

    def __init__(self) -> None:
        self.address = ""
        self.polls = 0
        self.snapshots = 0
        self.init_error: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.restore_error: asyncio.Future[dict[str, Any]] = (
            asyncio.get_running_loop().create_future()
        )
        self._events: asyncio.Queue[tuple[Outcome, bytes]] = asyncio.Queue()
        self._outcomes: dict[str, Outcome] = {}
        self._connections: set[asyncio.Task[Any]] = set()
        self._polled = asyncio.Condition()

    async def invoke(self, event: object, *, seconds: float = 30.0) -> Outcome:
        """Hand out an event (bytes as they are) and return once a response begins."""
        outcome = Outcome(str(uuid.uuid4()), int((time.time() + seconds) * 1000))
        raw = event if isinstance(event, bytes) else json.dumps(event).encode()
        self._outcomes[outcome.request_id] = outcome
        self._events.put_nowait((outcome, raw))
        await asyncio.wait_for(outcome.begun.wait(), PATIENCE)
        return outcome

    async def polled(self, times: int) -> None:
        """Wait until the runtime has asked for its `times`-th event."""
        async with asyncio.timeout(PATIENCE), self._polled:
            await self._polled.wait_for(lambda: self.polls >= times)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[RuntimeApiEmulator]:
        """Listen, and hang up on everybody in the end."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        try:
            yield self
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections)
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while True:
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            return
        finally:
            self._connections.discard(task)
            writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, version = head[0].split(" ")
        assert ("HTTP/1.1", True) == (version, path.startswith(BASE))
        lines = (line.partition(":") for line in head[1:] if line)
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        if headers.get("expect") == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if (method, path) == ("GET", f"{BASE}/invocation/next"):
            await self._next(writer)
        elif (method, path) == ("GET", f"{BASE}/restore/next"):
            self.snapshots += 1
            _reply(writer, 200)
        elif (method, path) == ("POST", f"{BASE}/restore/error"):
            self.restore_error.set_result(json.loads(await _whole(reader, headers)))
            _reply(writer, 202)
        elif (method, path) == ("POST", f"{BASE}/init/error"):
            self.init_error.set_result(json.loads(await _whole(reader, headers)))
            _reply(writer, 202)
        else:
            assert method == "POST"
            request_id, kind = path.removeprefix(f"{BASE}/invocation/").split("/")
            await self._take(self._outcomes[request_id], kind, headers, reader, writer)

    async def _next(self, writer: asyncio.StreamWriter) -> None:
        async with self._polled:
            self.polls += 1
            self._polled.notify_all()
        outcome, event = await self._events.get()
        headers = {
            "Content-Type": "application/json",
            "Lambda-Runtime-Aws-Request-Id": outcome.request_id,
            "Lambda-Runtime-Deadline-Ms": str(outcome.deadline_ms),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:1:function:f",
            "Lambda-Runtime-Trace-Id": f"Root=1-{outcome.request_id};Sampled=0",
        }
        _reply(writer, 200, event, headers)

    async def _take(
        self,
        outcome: Outcome,
        kind: str,
        headers: dict[str, str],
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        assert not outcome.begun.is_set(), "a second response to one invocation"
        outcome.kind, outcome.headers, outcome.writer = kind, headers, writer
        outcome.begun.set()
        if headers.get("lambda-runtime-function-response-mode") == "streaming":
            await _take_chunks(outcome, reader)
        else:
            outcome.received += await _whole(reader, headers)
        outcome.ended.set()
        _reply(writer, 202)


async def _take_chunks(outcome: Outcome, reader: asyncio.StreamReader) -> None:
    assert "chunked" == outcome.headers["transfer-encoding"]
    assert "application/vnd.awslambda.http-integration-response" == outcome.headers["content-type"]
    while size := int(await reader.readuntil(b"\r\n"), 16):
        await outcome.is_read.wait()
        piece = await reader.readexactly(size)
        assert b"\r\n" == await reader.readexactly(2)
        outcome.received += piece
        outcome.pieces.put_nowait(piece)
    while (line := (await reader.readuntil(b"\r\n")).decode().strip()) != "":
        name, _, value = line.partition(":")
        assert name.lower() in outcome.headers["trailer"].lower()
        outcome.trailers[name.lower()] = value.strip()


async def _whole(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    return await reader.readexactly(int(headers["content-length"]))


def _reply(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes = b"{}",
    headers: Mapping[str, str] | None = None,
) -> None:
    lines = [f"{name}: {value}\r\n" for name, value in (headers or {}).items()]
    head = f"HTTP/1.1 {status} -\r\n{''.join(lines)}Content-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)


@dataclass
class Function:
    """A running function: its Runtime API and its process."""

    api: RuntimeApiEmulator
    process: asyncio.subprocess.Process

    async def log_lines(self) -> list[dict[str, Any]]:
        """End the process and return what it logged."""
        if self.process.returncode is None:
            self.process.kill()
        written, _ = await self.process.communicate()
        lines = written.decode().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


@dataclass(frozen=True)
class Place:
    """Where a function's code is, what interprets it, and what else is on its path."""

    task: Path = ROOT
    python: str = sys.executable
    beside: tuple[Path, ...] = ()


@asynccontextmanager
async def running(
    handler: str,
    environment: Mapping[str, str] | None = None,
    *,
    is_streaming: bool = False,
    place: Place | None = None,
) -> AsyncIterator[Function]:
    """Run `tests/functions/x.handler` under Lambda's own runtime client, or under our loop."""
    place = place or Place()
    module = handler.replace("/", ".")
    command = (
        [str(place.task / "infra/bootstrap-stream"), place.python, "/var/runtime/bootstrap.py"]
        if is_streaming
        else [place.python, "-m", "awslambdaric", module]
    )
    emulator = RuntimeApiEmulator()
    async with emulator.serving():
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=place.task,
            stdout=asyncio.subprocess.PIPE,
            env={
                "PATH": os.environ["PATH"],
                **CLOCK,
                "PYTHONPATH": os.pathsep.join(map(str, (place.task, *place.beside))),
                "LAMBDA_TASK_ROOT": str(place.task),
                "AWS_LAMBDA_RUNTIME_API": emulator.address,
                "AWS_LAMBDA_FUNCTION_NAME": "tollgate-test",
                "AWS_REGION": "eu-west-1",
                "_HANDLER": handler,
                "STAGE": "test",
                "TOLLGATE_MASTER_KEY": "sk-a-master-key-of-more-than-20",
                **(environment or {}),
            },
        )
        try:
            yield Function(emulator, process)
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
