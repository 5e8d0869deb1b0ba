"""Lambda's Runtime API over one keep-alive connection, response streaming included.

The protocol is HTTP/1.1 with a local process of AWS
(docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, runtimes-custom.html, November 2026).
"""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.domain import Json

_BASE: Final = "/2018-06-01/runtime"
_DELIMITER: Final = bytes(8)  # between the metadata and the body
_UNSENT_CAP: Final = 64 * 1024
_HEAD_CAP: Final = 1024 * 1024
_OK: Final = range(200, 300)


class RuntimeApiError(Exception):
    """The Runtime API refused, or spoke something else."""


@dataclass(frozen=True, slots=True)
class Next:
    """An event to handle; `headers` have lower-case names."""

    event: bytes
    headers: Mapping[str, str]


class RuntimeApi:
    """What a runtime asks of Lambda, one request after the other."""

    def __init__(self, address: str) -> None:
        """Take `AWS_LAMBDA_RUNTIME_API`; connect when first asked."""
        self._address = address
        self._host, _, port = address.partition(":")
        self._port = int(port or "80")
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def next(self) -> Next:
        """Wait, as long as it takes, for the next event."""
        headers, event = await self._call("GET", "/invocation/next")
        return Next(event, headers)

    async def restored(self) -> None:
        """Say that the process may be snapshotted; returns in a copy of it."""
        await self._call("GET", "/restore/next")

    async def init_error(self, error: Mapping[str, Json]) -> None:
        """Say why the process cannot start."""
        await self._call("POST", "/init/error", error)

    async def restore_error(self, error: Mapping[str, Json]) -> None:
        """Say why the copy of a snapshot cannot go on."""
        await self._call("POST", "/restore/error", error)

    async def stream(self, request_id: str, prelude: bytes) -> ResponseStream:
        """Begin to stream an invocation's response: first the metadata, then what is written."""
        reader, writer = await self._connect()
        head = (
            f"POST {_BASE}/invocation/{request_id}/response HTTP/1.1\r\n"
            f"Host: {self._address}\r\n"
            "Content-Type: application/vnd.awslambda.http-integration-response\r\n"
            "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
            "Transfer-Encoding: chunked\r\n"
            "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n"
            "\r\n"
        )
        writer.write(head.encode() + _chunk(prelude + _DELIMITER))
        return ResponseStream(reader, writer)

    async def close(self) -> None:
        """Drop the connection; the next request opens another."""
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None

    async def _call(
        self,
        method: str,
        path: str,
        error: Mapping[str, Json] | None = None,
    ) -> tuple[Mapping[str, str], bytes]:
        reader, writer = await self._connect()
        body = b"" if error is None else orjson.dumps(error)
        head = f"{method} {_BASE}{path} HTTP/1.1\r\nHost: {self._address}\r\n"
        if error is not None:
            head += f"Lambda-Runtime-Function-Error-Type: {error['errorType']}\r\n"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(f"{head}\r\n".encode() + body)
        await writer.drain()
        status, headers = await _read_head(reader)
        content = await _read_content(reader, headers)
        if headers.get("connection", "").lower() == "close":
            await self.close()
        if status not in _OK:
            raise RuntimeApiError(f"{method} {path} was answered with status {status}")
        return headers, content

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None or self._writer.is_closing():
            opened = await asyncio.open_connection(self._host, self._port, limit=_HEAD_CAP)
            self._reader, self._writer = opened
        return self._reader, self._writer


class ResponseStream:
    """The body of one streamed response; writing to a broken one is harmless."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Listen at once: an answer before the end means that nobody reads any more."""
        self._writer = writer
        self._answer = asyncio.create_task(_read_answer(reader))

    def on_answer(self, call: Callable[[], None]) -> None:
        """Have `call` called when the Runtime API answers or its connection breaks."""
        self._answer.add_done_callback(lambda _: call())

    async def write(self, chunk: bytes) -> None:
        """Send one chunk at once; wait while the other side is slow."""
        await self._send(_chunk(chunk))

    async def end(self, error: Mapping[str, Json] | None = None) -> None:
        """Send the end; with an error the caller's connection is cut, so that it shows."""
        trailers = b""
        if error is not None:
            body = base64.b64encode(orjson.dumps(error))
            trailers = (
                f"Lambda-Runtime-Function-Error-Type: {error['errorType']}\r\n"
                f"Lambda-Runtime-Function-Error-Body: {body.decode()}\r\n"
            ).encode()
        await self._send(b"0\r\n" + trailers + b"\r\n")

    async def accepted(self) -> None:
        """Wait for the answer; RuntimeApiError when the response did not arrive."""
        try:
            status = await self._answer
        except (OSError, EOFError) as error:
            raise RuntimeApiError("The response broke off") from error
        if status not in _OK:
            raise RuntimeApiError(f"The response was answered with status {status}")

    async def _send(self, data: bytes) -> None:
        if self._answer.done() or self._writer.is_closing():
            await asyncio.sleep(0)  # an app that only sends must still come to hear of it
            return
        self._writer.write(data)
        if self._writer.transport.get_write_buffer_size() > _UNSENT_CAP:
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        # Waiting for room alone would hang on a peer that answered early and reads no more.
        room = asyncio.ensure_future(self._writer.drain())
        try:
            await asyncio.wait((room, self._answer), return_when=asyncio.FIRST_COMPLETED)
        finally:
            room.add_done_callback(_forget_failure)
            room.cancel()


def _forget_failure(task: asyncio.Task[None]) -> None:
    # A broken connection shows in the answer too, and is told from there.
    if not task.cancelled():
        task.exception()


async def _read_answer(reader: asyncio.StreamReader) -> int:
    status, headers = await _read_head(reader)
    await _read_content(reader, headers)
    return status


async def _read_head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        fields = (line.partition(":") for line in lines)
        return int(first.split(" ", 2)[1]), {n.strip().lower(): v.strip() for n, _, v in fields}
    except (asyncio.LimitOverrunError, ValueError, IndexError) as error:
        raise RuntimeApiError("The Runtime API spoke no HTTP") from error


async def _read_content(reader: asyncio.StreamReader, headers: Mapping[str, str]) -> bytes:
    if "chunked" not in headers.get("transfer-encoding", "").lower():
        return await reader.readexactly(int(headers.get("content-length", "0")))
    content = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        content += (await reader.readexactly(size + 2))[:-2]
    while await reader.readuntil(b"\r\n") != b"\r\n":
        pass  # trailers say nothing to us
    return bytes(content)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
