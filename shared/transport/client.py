"""Send a request, get an answer or a TransportFailed that says what was waited for.

Start at `Client.send`. aiohttp speaks HTTP; the deadlines and the one retry are ours, because
its timeouts round up to whole seconds and it never repeats a POST.
"""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import aiohttp

from shared.errors import TransportFailed
from shared.transport.attempt import Attempt, current_attempt
from shared.transport.lines import Lines

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from ssl import SSLContext

    from shared.domain import HttpRequest, Timeouts

DEFAULT_HEADERS = {"user-agent": "tollgate", "accept": "*/*", "accept-encoding": "identity"}
MAX_HEADER_BYTES = 16 * 1024
# aiohttp warns of larger bytes; from a file it sends them in pieces, with a turn for others.
MAX_BYTES_IN_ONE_WRITE = 512 * 1024
_NO_TIMEOUT = aiohttp.ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None)


class Client:
    """The outgoing HTTP client of one process, bound to the event loop of its first request."""

    def __init__(self, ssl_context: SSLContext | None = None) -> None:
        """Do nothing yet: connections and the session are made by the first request."""
        self._ssl_context = ssl_context
        self._session: aiohttp.ClientSession | None = None
        self._lines: Lines | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, request: HttpRequest, timeouts: Timeouts) -> Response:
        """Return the answer once its head is there; whatever its status, redirects included.

        Raise TransportFailed otherwise. A request is sent a second time only if a kept connection
        died at once, without one byte of an answer: then its peer had closed it before reading.
        """
        session, lines = self._opened()
        now = asyncio.get_running_loop().time()
        attempt = Attempt.begin(timeouts, now, now + timeouts.total, request.reach)
        try:
            return await _try(session, request, attempt)
        except TransportFailed as failed:
            lines.blame(attempt)
            now = asyncio.get_running_loop().time()
            if not (failed.phase == "reset" and attempt.was_dead_before_use(now)):
                raise
        again = Attempt.begin(timeouts, now, attempt.deadline, request.reach)
        return await _try(session, request, again)

    async def close(self) -> None:
        """Close every connection; a later request opens new ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _opened(self) -> tuple[aiohttp.ClientSession, Lines]:
        loop = asyncio.get_running_loop()
        if self._session is None or self._lines is None:
            self._loop, self._lines = loop, Lines(self._ssl_context)
            self._session = aiohttp.ClientSession(
                connector=self._lines,
                headers=DEFAULT_HEADERS,
                skip_auto_headers=("content-type",),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                trust_env=False,
                timeout=_NO_TIMEOUT,
                max_line_size=MAX_HEADER_BYTES,
                max_field_size=MAX_HEADER_BYTES,
            )
        if self._loop is not loop:
            raise RuntimeError("a Client belongs to the event loop of its first request")
        return self._session, self._lines


class Response:
    """An answer whose body is still on its way. Read it, drain `chunks`, or close it."""

    def __init__(self, reply: aiohttp.ClientResponse, attempt: Attempt) -> None:
        """Keep the status and the headers, names in lower case."""
        self.status = reply.status
        self.headers: Mapping[str, str] = {k.lower(): v for k, v in reply.headers.items()}
        self._reply = reply
        self._attempt = attempt

    async def read(self, cap: int) -> bytes:
        """Return the whole body; raise TransportFailed when it is over `cap` bytes."""
        body = bytearray()
        while chunk := await self._next_chunk():
            body += chunk
            if len(body) > cap:
                self._reply.close()
                raise TransportFailed(f"the answer is over {cap} bytes", phase="too_large")
        return bytes(body)

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """Yield the body as it arrives; leaving early closes the connection."""
        try:
            while chunk := await self._next_chunk():
                yield chunk
        finally:
            self._reply.close()

    async def close(self) -> None:
        """Give up: close the connection if the body has not ended."""
        self._reply.close()

    async def _next_chunk(self) -> bytes:
        """Return what has arrived, waiting for the first byte of it; nothing at the end."""
        content = self._reply.content
        try:
            chunk = content.read_nowait()
            if not chunk and not content.at_eof():
                async with self._attempt.await_more(asyncio.get_running_loop().time()):
                    chunk = await content.readany()
        except BaseException as error:
            self._reply.close()
            if isinstance(error, aiohttp.ClientError | OSError):
                raise self._attempt.failure() from error
            raise
        self._attempt.heard()
        return chunk


async def _try(session: aiohttp.ClientSession, request: HttpRequest, attempt: Attempt) -> Response:
    token = current_attempt.set(attempt)
    try:
        async with attempt.guard:
            reply = await session.request(
                request.method,
                request.url,
                headers=request.headers,
                data=_payload(request.body),
                allow_redirects=False,
            )
    except ValueError as error:
        raise TransportFailed("that is no request to send", phase="connect") from error
    except (aiohttp.ClientError, OSError) as error:
        raise attempt.failure() from error
    finally:
        current_attempt.reset(token)
    return Response(reply, attempt)


def _payload(body: bytes) -> bytes | io.BytesIO | None:
    if len(body) > MAX_BYTES_IN_ONE_WRITE:
        return io.BytesIO(body)
    return body or None
