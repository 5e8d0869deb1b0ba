"""Redis over HTTP, guarded: upstash-redis's commands through our own transport and timeouts.

The stock client waits without a limit and repeats any command after a lost reply, which would
count twice (docs/decisions/0004). Here only `run` tries again; but a kept connection that dies
without a byte is tried again by the transport, so no command may count when it is sent twice.
"""

from __future__ import annotations

import time
from contextlib import aclosing
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

import orjson
from upstash_redis.asyncio import Redis as UpstashRedis

from shared.domain import HttpRequest, Timeouts
from shared.errors import RedisDown, TransportFailed
from shared.storage.breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from shared.domain import Json
    from shared.storage.scripts import Script
    from shared.transport.client import Client

REPLY_CAP = 32 * 1024 * 1024

TRIES_IN_A_BUDGET = 4
"""What one operation may take in all, in tries; a second at least, for a connection."""

MIN_CONNECT_SECONDS = 1.0
REST_SECONDS = 1.0
"""How long a silent Redis is left alone between two calls that try it."""

_DATA = b"data:"
_LISTENING = Timeouts(connect=5, first_byte=10, between_bytes=3_600, total=86_400)
_OK = 200
_UNAUTHORIZED = 401
_TOO_MANY = 429

_NOT_NOW = (
    "OOM",
    "READONLY",
    "LOADING",
    "BUSY",
    "MASTERDOWN",
    "CLUSTERDOWN",
    "TRYAGAIN",
    "NOREPLICAS",
    "MISCONF",
    "ERR max ",
    "ERR DB capacity",
)
"""How errors begin that say nothing of the command: memory, fail-over, Upstash's plan limits."""


class RedisRefused(Exception):  # noqa: N818 - reads as a sentence
    """Redis answered, with an error: the command or the script is wrong."""


class Runs(Protocol):
    """What a typed function needs of Redis: tests may stand in for it."""

    async def execute(self, command: list[str | int]) -> Json:
        """Send one command once."""
        ...

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | int]) -> Json:
        """Run a script that is safe to repeat."""
        ...


class Listens(Protocol):
    """What a typed function needs of Redis to hear what is published."""

    def messages(self, channel: str) -> AsyncGenerator[str]:
        """Yield what is said on a channel."""
        ...


class Redis(UpstashRedis):
    """The upstash-redis client with every failure turned into RedisDown or RedisRefused."""

    def __init__(self, http: Client, url: str, token: str, *, try_seconds: float) -> None:
        # Not super().__init__: it would build an httpx client and parse the CA bundle (40 ms).
        self._client = http
        self._address = f"{url}/"
        self._request_headers = {
            "authorization": f"Bearer {token}",
            "content-type": "application/json",
        }
        # A first connection needs more round trips than a reply.
        self._timeouts = Timeouts(
            connect=max(try_seconds, MIN_CONNECT_SECONDS),
            first_byte=try_seconds,
            between_bytes=try_seconds,
            total=max(try_seconds * TRIES_IN_A_BUDGET, MIN_CONNECT_SECONDS),
        )
        self._slow = try_seconds / 2
        self._breaker = Breaker(patience=try_seconds * 2, rest=REST_SECONDS)

    async def execute(  # pyright: ignore[reportIncompatibleMethodOverride] - a reply is any JSON
        self, command: list[str | int]
    ) -> Json:
        """Send one command once; return its result, raise RedisDown or RedisRefused."""
        return await self._execute(command, self._timeouts)

    async def _execute(self, command: Sequence[str | int], timeouts: Timeouts) -> Json:
        if not self._breaker.lets_through():
            raise RedisDown("Redis has not answered lately.", may_have_happened=False)
        body = orjson.dumps([str(part) for part in command])
        request = HttpRequest("POST", self._address, self._request_headers, body)
        began = time.monotonic()
        try:
            response = await self._client.send(request, timeouts)
            raw = await response.read(REPLY_CAP)
        except TransportFailed as error:
            if (waited := time.monotonic() - began) > self._slow:
                self._breaker.waited_in_vain(waited)
            raise RedisDown(
                f"Redis did not answer: {error.message}",
                may_have_happened=error.phase != "connect",
            ) from error
        self._breaker.answered()
        return _result(response.status, raw)

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[str | int]) -> Json:
        """Run a script that is safe to repeat: a second try follows a reply that did not come.

        Both together take no longer than one budget (`TRIES_IN_A_BUDGET` tries).
        """
        began = time.monotonic()
        try:
            return await self._run_once(script, keys, args, self._timeouts)
        except RedisDown as first:
            left = self._timeouts.total - (time.monotonic() - began)
            if left < self._slow:
                raise
            try:
                return await self._run_once(script, keys, args, replace(self._timeouts, total=left))
            except RedisDown as second:
                second.may_have_happened |= first.may_have_happened
                raise

    async def _run_once(
        self,
        script: Script,
        keys: Sequence[str],
        args: Sequence[str | int],
        timeouts: Timeouts,
    ) -> Json:
        tail = [len(keys), *keys, *args]
        try:
            return await self._execute(["EVALSHA", script.sha, *tail], timeouts)
        except RedisRefused as error:
            # A restart or a fail-over empties the script cache.
            if not str(error).startswith("NOSCRIPT"):
                raise
            return await self._execute(["EVAL", script.source, *tail], timeouts)

    async def messages(self, channel: str) -> AsyncGenerator[str]:
        """Yield what Upstash says of a channel (SSE), until it hangs up: `subscribe,…` first.

        For processes that live long; raise RedisDown when nobody answers.
        """
        address = f"{self._address}subscribe/{channel}"
        headers = {**self._request_headers, "accept": "text/event-stream"}
        try:
            response = await self._client.send(HttpRequest("POST", address, headers), _LISTENING)
            if response.status != _OK:
                await response.close()
                raise RedisDown(f"Redis answered {response.status}", may_have_happened=False)
            lines = b""
            async with aclosing(response.chunks()) as chunks:
                async for chunk in chunks:
                    *whole, lines = (lines + chunk).split(b"\n")
                    for line in whole:
                        if line.startswith(_DATA):
                            yield line.removeprefix(_DATA).strip().decode(errors="replace")
        except TransportFailed as error:
            raise RedisDown(f"Redis hung up: {error.message}", may_have_happened=False) from error

    async def close(self) -> None:
        """Do nothing: the HTTP client belongs to whoever made it."""


def _result(status: int, raw: bytes) -> Json:
    try:
        reply = orjson.loads(raw)
    except ValueError as error:
        # A proxy's HTML page, or half a body: not Redis speaking.
        raise RedisDown(f"Redis answered {status} without JSON") from error
    match reply:
        case {"result": result}:
            return result
        case {"error": str(message)} if _is_about_the_command(status, message):
            raise RedisRefused(message)
        case {"error": str(message)}:
            # Its first word only: callers see this sentence.
            raise RedisDown(f"Redis answered {status}: {message.partition(' ')[0][:20]}")
        case _:
            raise RedisDown(f"Redis answered {status}")


def _is_about_the_command(status: int, message: str) -> bool:
    is_answering = status < 500 and status not in {_UNAUTHORIZED, _TOO_MANY}  # noqa: PLR2004
    return is_answering and not message.startswith(_NOT_NOW)
