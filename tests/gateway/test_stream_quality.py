"""How streams are passed on, on every way: each entrance, native and translated."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson
import pytest

from tests.gateway.given import MASTER_KEY, ledger, model
from tests.provider import Behaviour
from tests.providers.wires import WIRES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

HEADERS = {"authorization": f"Bearer {MASTER_KEY}"}
TURNS: Any = [{"role": "user", "content": "Hello"}]
SECOND = "lo €".encode()
LONGEST_LINE = 1024 * 1024


@dataclass(frozen=True)
class Way:
    """An entrance and the vendor behind it."""

    entrance: str
    vendor: str

    @property
    def path(self) -> str:
        return {
            "chat": "/v1/chat/completions",
            "messages": "/v1/messages",
            "responses": "/v1/responses",
            "content": "/v1beta/models/m:streamGenerateContent?alt=sse",
        }[self.entrance]

    @property
    def body(self) -> dict[str, Any]:
        match self.entrance:
            case "responses":
                return {"model": "m", "input": "Hello", "stream": True}
            case "content":
                return {"contents": [{"parts": [{"text": "Hello"}]}]}
            case _:
                return {"model": "m", "messages": TURNS, "max_tokens": 50, "stream": True}

    @property
    def pieces(self) -> list[bytes]:
        """The vendor's stream, an event each."""
        stream = WIRES.get(self.vendor, WIRES["openai"]).stream
        if self == NATIVE_RESPONSES:
            stream = RESPONSE_STREAM
        return [part + b"\n\n" for part in stream.split(b"\n\n") if part]

    def is_error(self, event: bytes) -> bool:
        """Tell whether an event is the entrance's way to say that something failed."""
        found = orjson.loads(event.partition(b"data: ")[2])
        match self.entrance:
            case "messages":
                return found["type"] == "error" and bool(found["error"]["message"])
            case "responses":
                return found["type"] == "error" and bool(found["message"])
            case "content":
                return found["error"]["code"] == 502
            case _:
                return bool(found["error"]["type"])


def response_event(kind: str, **more: object) -> bytes:
    data = orjson.dumps({"type": kind, "sequence_number": 0, **more})
    return f"event: {kind}\n".encode() + b"data: " + data + b"\n\n"


RESPONSE: dict[str, object] = {"id": "resp_1", "object": "response", "output": []}
RESPONSE_STREAM = b"".join(
    [
        response_event("response.created", response=RESPONSE),
        response_event("response.output_text.delta", delta="Hel"),
        response_event("response.output_text.delta", delta="lo €"),
        response_event(
            "response.completed",
            response={**RESPONSE, "usage": {"input_tokens": 7, "output_tokens": 5}},
        ),
    ]
)
NATIVE_RESPONSES = Way("responses", "openai")
WAYS = [
    NATIVE_RESPONSES,
    Way("chat", "openai"),
    Way("chat", "anthropic"),
    Way("chat", "gemini"),
    Way("messages", "anthropic"),
    Way("messages", "groq"),
    Way("responses", "groq"),
    Way("responses", "anthropic"),
    Way("content", "gemini"),
    Way("content", "groq"),
]
TRANSLATED = [Way("chat", "anthropic"), Way("messages", "groq"), Way("responses", "groq")]


def among(ways: list[Way]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("way", ways, ids=lambda way: f"{way.entrance}-{way.vendor}")


every = among(WAYS)


async def served(way: Way, proxy: Proxy, provider: Provider) -> tuple[Gateway, httpx.AsyncClient]:
    return await proxy(model("m", provider.url, model=f"{way.vendor}/x", api_base=provider.url))


def first_words(way: Way) -> int:
    """Return how many of the vendor's events it takes until the first word is said."""
    return 1 + next(i for i, piece in enumerate(way.pieces) if b"Hel" in piece)


@every
async def test_the_first_word_is_there_before_the_second_is_said(
    way: Way, proxy: Proxy, provider: Provider
) -> None:
    gateway, client = await served(way, proxy, provider)
    provider.next(Behaviour(chunks=way.pieces, holds=first_words(way)))

    seen = b""
    async with client.stream("POST", way.path, json=way.body, headers=HEADERS) as reply:
        async for chunk in reply.aiter_bytes():
            seen += chunk
            if b"Hel" in seen and SECOND not in seen:
                provider.release()  # were the word held back, this would never be reached

    assert SECOND in seen
    await ledger(gateway, 1)


@among([NATIVE_RESPONSES, *TRANSLATED])
async def test_a_silent_vendor_does_not_leave_the_caller_in_silence(
    way: Way,
    proxy: Proxy,
    serve: Callable[[Gateway], Awaitable[httpx.AsyncClient]],
    provider: Provider,
) -> None:
    gateway, _ = await served(way, proxy, provider)
    client = await serve(replace(gateway, keep_alive_seconds=0.02))
    provider.next(Behaviour(chunks=way.pieces, holds=first_words(way)))

    comments = 0
    async with client.stream("POST", way.path, json=way.body, headers=HEADERS) as reply:
        async for line in reply.aiter_lines():
            comments += line == ": keep-alive"
            if comments == 2:
                provider.release()

    assert comments >= 2


@every
@pytest.mark.parametrize(
    "broken", [b"data: {no\n\n", b"data: " + b"x" * (LONGEST_LINE + 1)], ids=["malformed", "long"]
)
async def test_a_broken_event_becomes_an_error_event_of_the_entrance(
    way: Way, proxy: Proxy, provider: Provider, broken: bytes
) -> None:
    gateway, client = await served(way, proxy, provider)
    provider.next(Behaviour(chunks=[*way.pieces[: first_words(way)], broken]))

    reply = await client.post(way.path, json=way.body, headers=HEADERS)

    events = [part for part in reply.content.split(b"\n\n") if part and b"[DONE]" not in part]
    assert way.is_error(events[-1])
    assert b"Hel" in reply.content
    (entry,) = await ledger(gateway, 1)
    assert "failure" == orjson.loads(entry["row"])["metadata"]["status"]
    assert int(entry["spend"]) > 0


@every
async def test_who_leaves_ends_the_vendors_stream_and_pays_for_what_was_said(
    way: Way, proxy: Proxy, provider: Provider
) -> None:
    gateway, client = await served(way, proxy, provider)
    provider.next(Behaviour(chunks=way.pieces, holds=first_words(way)))

    async with client.stream("POST", way.path, json=way.body, headers=HEADERS) as reply:
        await anext(reply.aiter_bytes())

    await provider.lost(1)
    (entry,) = await ledger(gateway, 1)
    assert int(entry["spend"]) > 0


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("vendor", ["openai", "anthropic", "gemini"])
async def test_usage_comes_in_a_chunk_of_its_own_for_who_asked(
    proxy: Proxy, provider: Provider, vendor: str, *, asked: bool
) -> None:
    way = Way("chat", vendor)
    _, client = await served(way, proxy, provider)
    provider.next(Behaviour(chunks=way.pieces))
    options = {"stream_options": {"include_usage": True}} if asked else {}

    reply = await client.post(way.path, json={**way.body, **options}, headers=HEADERS)

    *chunks, last = [part[6:] for part in reply.content.split(b"\n\n") if part]
    told = [chunk for chunk in map(orjson.loads, chunks) if chunk.get("usage")]
    assert b"[DONE]" == last
    assert ([[]] if asked else []) == [chunk["choices"] for chunk in told]


@among([WAYS[1], *TRANSLATED])
async def test_a_caller_who_does_not_read_slows_the_vendor_down(
    way: Way, proxy: Proxy, provider: Provider
) -> None:
    """Kernels and both servers hold some of it; what is more waits at the vendor."""
    _, client = await served(way, proxy, provider)
    many = 4_000
    start = first_words(way)
    piece = way.pieces[start - 1].replace(b"Hel", b"x" * 8_000)
    provider.next(Behaviour(chunks=[*way.pieces[:start], *[piece] * many]))

    with _silent_caller(str(client.base_url), way) as caller:
        await asyncio.to_thread(caller.recv, 1)
        taken = await _settled(provider)

    assert 0 < taken < many / 2
    await provider.lost(1)


async def _settled(provider: Provider) -> int:
    """Return how many chunks the vendor got rid of, once it gets rid of no more."""
    before = -1
    while before != provider.sent:
        before = provider.sent
        await asyncio.sleep(0.3)
    return before


def _silent_caller(base: str, way: Way) -> socket.socket:
    """Ask as a client with a small window that will read nothing."""
    at = urlsplit(base)
    body = orjson.dumps(way.body)
    caller = socket.socket()
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    caller.connect((at.hostname or "", at.port or 0))
    caller.sendall(
        f"POST {way.path} HTTP/1.1\r\nhost: {at.netloc}\r\n"
        f"authorization: Bearer {MASTER_KEY}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\n\r\n".encode()
        + body
    )
    return caller
