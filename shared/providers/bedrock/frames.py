"""AWS's event stream: binary frames of headers and a payload, each with two checksums.

By smithy.io/2.0/aws/amazon-eventstream.html, read 2026-11: lengths of the frame and of its headers,
the checksum of these two, headers, payload, the checksum of all before it; big-endian.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from struct import Struct
from typing import Final, Protocol

from shared.errors import ProviderFailed
from shared.providers.bedrock.place import streamed_failure
from shared.providers.dialect import StreamEvent
from shared.providers.failures import malformed

MAX_FRAME: Final = 16 * 1024 * 1024
_PRELUDE: Final = Struct(">III")
_CHECKSUM: Final = Struct(">I")
_LEAST: Final = _PRELUDE.size + _CHECKSUM.size
_STRING: Final = 7


class Broken(Exception):  # noqa: N818 - reads as a sentence
    """The bytes are no event stream; it cannot go on."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One event: its headers that are strings, and what it holds."""

    headers: dict[str, str]
    payload: bytes


@dataclass(slots=True)
class FrameParser:
    """Cuts bytes into frames, however they arrive."""

    _held: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes, frames: list[Frame]) -> None:
        """Append the frames that `chunk` completes; raise Broken after those before it."""
        self._held += chunk
        while len(self._held) >= _LEAST:
            total, in_headers, checksum = _PRELUDE.unpack_from(self._held)
            if (
                zlib.crc32(self._held[:8]) != checksum
                or not _LEAST + in_headers <= total <= MAX_FRAME
            ):
                raise Broken
            if len(self._held) < total:
                return
            frames.append(_frame(bytes(self._held[:total]), in_headers))
            del self._held[:total]


def _frame(whole: bytes, in_headers: int) -> Frame:
    end = len(whole) - _CHECKSUM.size
    if zlib.crc32(whole[:end]) != _CHECKSUM.unpack_from(whole, end)[0]:
        raise Broken
    start = _PRELUDE.size
    return Frame(_headers(whole[start : start + in_headers]), whole[start + in_headers : end])


def _headers(held: bytes) -> dict[str, str]:
    """Read names and strings; Bedrock sends no other kind, and after one nothing can be read."""
    found: dict[str, str] = {}
    at = 0
    try:
        while at < len(held):
            name_end = at + 1 + held[at]
            name = held[at + 1 : name_end].decode()
            if held[name_end] != _STRING:
                break
            size = int.from_bytes(held[name_end + 1 : name_end + 3])
            at = name_end + 3 + size
            found[name] = held[name_end + 3 : at].decode()
    except (IndexError, UnicodeDecodeError):
        raise Broken from None
    return found


class Meaning(Protocol):
    """What the frames of one stream mean, one after another."""

    def read(self, frame: Frame) -> list[StreamEvent]:
        """Translate one frame; raise ProviderFailed when it is not what it should be."""
        ...

    def close(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed; empty when it was too early."""
        ...


@dataclass(slots=True)
class FrameDecoder:
    """A stream of frames, each read by what it means; stops at the first that ends the stream."""

    meaning: Meaning
    _parser: FrameParser = field(default_factory=FrameParser)
    _is_over: bool = False

    def feed(self, chunk: bytes) -> list[StreamEvent]:
        """Return the events that `chunk` completes."""
        frames: list[Frame] = []
        is_broken = False
        if self._is_over:
            return []
        try:
            self._parser.feed(chunk, frames)
        except Broken:
            is_broken = True
        events: list[StreamEvent] = []
        for frame in frames:
            events += self._read(frame)
            if events and (events[-1].is_done or events[-1].error):
                self._is_over = True
                return events
        if is_broken:
            self._is_over = True
            events.append(StreamEvent(error=malformed("is no event stream")))
        return events

    def end(self) -> list[StreamEvent]:
        """Return what is left when the provider has closed."""
        if self._is_over:
            return []
        self._is_over = True
        left = self.meaning.close()
        return left or [StreamEvent(error=malformed("ended before it was complete"))]

    def _read(self, frame: Frame) -> list[StreamEvent]:
        kind = frame.headers.get(":exception-type") or frame.headers.get(":error-code")
        if kind is not None:
            return [StreamEvent(error=streamed_failure(kind, frame.payload))]
        try:
            return self.meaning.read(frame)
        except ProviderFailed as error:
            return [StreamEvent(error=error)]
