"""AWS's event stream: binary frames of headers and a payload, each with two checksums.

By smithy.io/2.0/aws/amazon-eventstream.html, read 2026-11: lengths of the frame and of its headers,
the checksum of these two, headers, payload, the checksum of all before it; big-endian.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from struct import Struct
from typing import Final

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
