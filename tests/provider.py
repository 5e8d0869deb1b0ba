"""A provider that behaves as a test tells it, over real HTTP; else it answers as the demo."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from local.asgi import Hangup, Request, event, hang_up
from local.demo.app import answer, events, made, parse
from local.threads import ServerThread

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from starlette.types import Receive, Scope, Send

BEFORE_HEAD = -1
WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How to treat one request; as it stands, well.

    `holds` and `resets` are a number of chunks sent before it waits for `release()` or cuts the
    connection: BEFORE_HEAD, 0 (after the head), 1, ….
    """

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    chunks: Sequence[bytes] | None = None
    seconds_before_head: float = 0
    seconds_between_chunks: float = 0
    holds: int | None = None
    resets: int | None = None
    has_usage: bool = True


WELL = Behaviour()


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return orjson.loads(self.body)


class Provider(ServerThread):
    """The fake provider. `default` treats every request that no `next` was said for."""

    def __init__(self) -> None:
        super().__init__(self._app)
        self.default = WELL
        self.requests: list[Received] = []
        self.left = 0  # clients that went away before their answer was whole
        self.sent = 0  # chunks that were taken off its hands
        self._next: deque[Behaviour] = deque()
        self._changed = threading.Condition()
        self._held: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    def next(self, *behaviours: Behaviour) -> None:
        """Treat the next requests like this, one each."""
        self._next.extend(behaviours)

    def release(self) -> None:
        """Let every request that is held go on."""
        for loop, gate in self._held:
            loop.call_soon_threadsafe(gate.set)
        self._held.clear()

    def reset(self) -> None:
        """Forget what was said and seen."""
        self.release()
        self._next.clear()
        self.default = WELL
        self.requests.clear()
        self.left = 0
        self.sent = 0

    async def received(self, count: int) -> None:
        """Wait until that many requests have come."""
        await self._until(lambda: len(self.requests) >= count)

    async def lost(self, count: int) -> None:
        """Wait until that many clients have gone away."""
        await self._until(lambda: self.left >= count)

    async def _until(self, is_so: Callable[[], bool]) -> None:
        def wait() -> bool:
            with self._changed:
                return self._changed.wait_for(is_so, WAIT_SECONDS)

        assert await asyncio.to_thread(wait), "the provider waited in vain"

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        with self._changed:
            behaviour = self._next.popleft() if self._next else self.default
            # Before anybody hears of the request: who then says release() means this gate too.
            gate = asyncio.Event()
            if behaviour.holds is not None:
                self._held.append((asyncio.get_running_loop(), gate))
            self.requests.append(Received(request.method, request.path, headers, body))
            self._changed.notify_all()
        treating = asyncio.create_task(self._treat(behaviour, gate, request, body, send))
        leaving = asyncio.create_task(request.gone())
        await asyncio.wait({treating, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not treating.done():
            with self._changed:
                self.left += 1
                self._changed.notify_all()
        treating.cancel()
        leaving.cancel()
        ending, _ = await asyncio.gather(treating, leaving, return_exceptions=True)
        if isinstance(ending, Hangup):
            await hang_up(scope, request)
        elif isinstance(ending, Exception):
            raise ending

    async def _treat(
        self, does: Behaviour, gate: asyncio.Event, request: Request, body: bytes, send: Send
    ) -> None:
        await asyncio.sleep(does.seconds_before_head)
        await self._pause(does, gate, BEFORE_HEAD)
        if does == WELL:
            await answer(request, body, send)
            return
        chunks, kind = _content(does, request.path, body)
        headers = {"content-type": kind, **does.headers}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": does.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        for sent, chunk in enumerate(chunks):
            await self._pause(does, gate, sent)
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            self.sent += 1
            await asyncio.sleep(does.seconds_between_chunks)
        await self._pause(does, gate, len(chunks))
        await send({"type": "http.response.body", "body": b""})

    async def _pause(self, does: Behaviour, gate: asyncio.Event, sent: int) -> None:
        if does.resets == sent:
            # What was sent before must reach the client first.
            await asyncio.sleep(0.05 if sent > 0 else 0)
            raise Hangup
        if does.holds == sent:
            await gate.wait()


def _content(does: Behaviour, path: str, body: bytes) -> tuple[Sequence[bytes], str]:
    """Return the chunks of an answer and its content type."""
    if does.chunks is not None:
        return does.chunks, "text/event-stream"
    if does.body is not None:
        return [does.body], "application/json"
    if does.status >= 400:
        error = {"message": f"status {does.status}", "type": "server_error", "code": None}
        return [orjson.dumps({"error": error})], "application/json"
    asked = parse(body)
    if asked.get("stream"):
        return list(_stream(does, events(path, asked))), "text/event-stream"
    whole = made(path, asked)
    if not does.has_usage:
        whole.pop("usage")
    return [orjson.dumps(whole)], "application/json"


def _stream(does: Behaviour, parts: Iterable[bytes]) -> Iterable[bytes]:
    for part in parts:
        if does.has_usage or part == event("[DONE]"):
            yield part
        elif (chunk := orjson.loads(part.removeprefix(b"data: ")))["choices"]:
            chunk.pop("usage", None)
            yield event(orjson.dumps(chunk))
