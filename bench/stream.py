"""What a chunk of a stream costs on its way: translated, native, passed through, and without us.

A fake vendor writes the time into every chunk it sends; the client reads it when the chunk has
come. So each chunk tells how long it was under way, whatever words it was put into meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import orjson

from local.asgi import Request
from local.threads import ServerThread
from tests.running import started

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import Receive, Scope, Send

PAUSE = 0.002
TIME = re.compile(rb"t(\d+)t")
HELLO = [{"role": "user", "content": "Hello"}]
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hello"}]}]}


@dataclass(frozen=True)
class Way:
    """One way of a chunk from the vendor to the client."""

    name: str
    path: str
    body: Mapping[str, Any]


WAYS = (
    Way("passed through", "/hosted_vllm/v1/chat/completions", {"model": "x", "messages": HELLO}),
    Way("chat, native", "/v1/chat/completions", {"model": "gpt", "messages": HELLO}),
    Way("chat, Anthropic's", "/v1/chat/completions", {"model": "claude", "messages": HELLO}),
    Way("chat, Google's", "/v1/chat/completions", {"model": "flash", "messages": HELLO}),
    Way(
        "Messages, native",
        "/v1/messages",
        {"model": "claude", "max_tokens": 9, "messages": HELLO},
    ),
    Way("Messages, a chat's", "/v1/messages", {"model": "gpt", "max_tokens": 9, "messages": HELLO}),
    Way("Responses, a chat's", "/v1/responses", {"model": "gpt", "input": "Hello"}),
    Way("Responses, Anthropic's", "/v1/responses", {"model": "claude", "input": "Hello"}),
    Way("generateContent, a chat's", "/v1beta/models/gpt:streamGenerateContent?alt=sse", CONTENTS),
)


class Clock(ServerThread):
    """A vendor of three kinds whose every chunk says when it left."""

    def __init__(self, chunks: int) -> None:
        super().__init__(self._app)
        self.chunks = chunks

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await request.body()
        first, each, last = _words(request.path)
        kind = (b"content-type", b"text/event-stream")
        await send({"type": "http.response.start", "status": 200, "headers": [kind]})
        for chunk in first:
            await _chunk(send, chunk)
        for _ in range(self.chunks):
            await asyncio.sleep(PAUSE)
            await _chunk(send, each.replace(b"TIME", b"t%dt" % time.monotonic_ns()))
        for chunk in last:
            await _chunk(send, chunk)
        await send({"type": "http.response.body", "body": b""})


async def _chunk(send: Send, chunk: bytes) -> None:
    await send({"type": "http.response.body", "body": chunk, "more_body": True})


def _words(path: str) -> tuple[list[bytes], bytes, list[bytes]]:
    """Return what a vendor says at first, for each chunk, and in the end."""
    if "/messages" in path:
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": []}
        return (
            [
                _event({"type": "message_start", "message": {**message, "usage": usage}}),
                _event(
                    {
                        "type": "content_block_start",
                        "index": 0,
                        "content_block": {"type": "text", "text": ""},
                    }
                ),
            ],
            _event(
                {
                    "type": "content_block_delta",
                    "index": 0,
                    "delta": {"type": "text_delta", "text": "TIME "},
                }
            ),
            [
                _event({"type": "content_block_stop", "index": 0}),
                _event(
                    {
                        "type": "message_delta",
                        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                        "usage": {"output_tokens": 9},
                    }
                ),
                _event({"type": "message_stop"}),
            ],
        )
    if ":streamGenerateContent" in path:
        said = {"content": {"role": "model", "parts": [{"text": "TIME "}]}, "index": 0}
        usage = {"promptTokenCount": 1, "candidatesTokenCount": 9, "totalTokenCount": 10}
        return (
            [],
            _event({"candidates": [said]}),
            [_event({"candidates": [{"finishReason": "STOP"}], "usageMetadata": usage})],
        )

    def chat(delta: Any, finish: str | None = None) -> bytes:  # noqa: ANN401 - any JSON
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return _event({"id": "c", "object": "chat.completion.chunk", "choices": [choice]})

    return [], chat({"content": "TIME "}), [chat({}, "stop"), b"data: [DONE]\n\n"]


def _event(data: Any) -> bytes:  # noqa: ANN401 - any JSON
    name = f"event: {data['type']}\n".encode() if "type" in data else b""
    return name + b"data: " + orjson.dumps(data) + b"\n\n"


async def times_of(url: str, body: Mapping[str, Any], key: str) -> list[float]:
    """Return how long each chunk was under way, in microseconds."""
    found: list[float] = []
    seen = b""
    headers = {"authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(url, json={**body, "stream": True}, headers=headers) as reply,
    ):
        if reply.status != 200:  # noqa: PLR2004
            raise SystemExit(f"{url}: {reply.status} {await reply.text()}")
        async for piece in reply.content.iter_any():
            now = time.monotonic_ns()
            seen += piece
            *whole, seen = seen.split(b"\n\n")
            # A stream's last events may tell all of the text once more.
            sent = [int(t) for part in whole if part.count(b"t") < MANY for t in TIME.findall(part)]
            found += [(now - then) / 1000 for then in sent[: len(whole)]]
    return found


MANY = 200
"""Letters t of an event that holds more than one chunk's text."""


async def measure(url: str, key: str, vendor: str, rounds: int) -> list[tuple[str, list[float]]]:
    """Measure each way `rounds` times, in turn, so that a busy moment hits all alike."""
    body = {"model": "x", "messages": HELLO}
    direct = ("without a gateway", f"{vendor}/v1/chat/completions", body)
    ways = [direct, *((way.name, url + way.path, way.body) for way in WAYS)]
    found: dict[str, list[float]] = {name: [] for name, _, _ in ways}
    for number in range(rounds + 1):
        for name, address, asked in ways:
            times = await times_of(address, asked, key)
            found[name] += times if number else []  # the first warms up
    return list(found.items())


def table(measured: list[tuple[str, list[float]]]) -> str:
    """Write what was measured: added is beyond the vendor's own, times that of passing through."""
    middle = {name: statistics.median(times) for name, times in measured}
    direct = middle["without a gateway"]
    passing = max(middle["passed through"] - direct, 1)
    lines = [f"{'a chunk of a stream':<28}{'median':>10}{'p95':>10}{'added':>10}{'ratio':>8}"]
    for name, times in measured:
        added = middle[name] - direct
        p95 = statistics.quantiles(times, n=20)[-1]
        ratio = "" if name == "without a gateway" else f"{added / passing:.2f}"
        lines.append(f"{name:<28}{middle[name]:>7.0f} µs{p95:>7.0f} µs{added:>7.0f} µs{ratio:>8}")
    return "\n".join(lines)


def main() -> None:
    """Start a vendor and a gateway, measure, print."""
    parser = argparse.ArgumentParser(prog="./tollgate bench stream", description=__doc__)
    parser.add_argument("--chunks", type=int, default=300, help="chunks of each stream")
    parser.add_argument("--rounds", type=int, default=5, help="streams of each way")
    given = parser.parse_args()
    vendor = Clock(given.chunks)
    vendor.start()
    try:
        with tempfile.TemporaryDirectory() as home:
            config = Path(home) / "config.yaml"
            config.write_text(json.dumps(_config(vendor.url)))
            with started(Path(home) / "data", "--config", str(config)) as running:
                key = str(running.stack["master_key"])
                print(table(asyncio.run(measure(running.url, key, vendor.url, given.rounds))))
    finally:
        vendor.stop()


def _config(url: str) -> dict[str, Any]:
    places = {
        "gpt": ("hosted_vllm/x", f"{url}/v1"),
        "claude": ("anthropic/x", url),
        "flash": ("gemini/x", f"{url}/v1beta"),
    }
    return {
        "model_list": [
            {
                "model_name": name,
                "litellm_params": {"model": model, "api_base": base, "api_key": "sk-vendor"},
            }
            for name, (model, base) in places.items()
        ]
    }


if __name__ == "__main__":
    main()
