"""A TCP proxy that passes on, refuses, is silent, is slow, or cuts connections after some bytes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Literal

Mode = Literal["pass", "refuse", "silent", "slow", "cut"]


@dataclass
class TcpProxy:
    """In front of one port; what it does may change at any time, also to open connections."""

    to_port: int
    mode: Mode = "pass"
    seconds: float = 0.05
    port: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set[asyncio.StreamWriter])
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self.set("refuse")
        if self._server is not None:
            self._server.close()

    def set(self, mode: Mode) -> None:
        """Do so from now on; all but a silence or slowness ends the connections that are open."""
        self.mode = mode
        if mode in ("refuse", "pass", "cut"):
            for writer in list(self._writers):
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.mode == "refuse":
                return
            there, onward = await asyncio.open_connection("127.0.0.1", self.to_port)
            self._writers.add(onward)
            try:
                await asyncio.gather(self._pass(reader, onward), self._pass(there, writer))
            finally:
                self._writers.discard(onward)
                onward.transport.abort()
        except OSError:
            return
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(65536):
                while self.mode == "silent":  # noqa: ASYNC110 - until a test says otherwise
                    await asyncio.sleep(0.02)
                if self.mode == "slow":
                    await asyncio.sleep(self.seconds)
                if self.mode == "cut":
                    sink.write(data[: len(data) // 2])
                    await sink.drain()
                    break
                sink.write(data)
                await sink.drain()
        sink.transport.abort()
