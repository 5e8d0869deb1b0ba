"""Server-sent events without I/O: bytes go in, events come out, however the bytes were cut.

The framing is WHATWG's (https://html.spec.whatwg.org/multipage/server-sent-events.html, read
2026-11): lines end in LF, CR or CRLF, a blank line ends an event, a colon begins a comment. Ids
and retry times mean nothing to us.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

MAX_LINE_BYTES: Final = 1024 * 1024
_BOM: Final = b"\xef\xbb\xbf"


class LineTooLong(Exception):  # noqa: N818 - reads as a sentence
    """A line, or the data of one event, is over the cap; the stream cannot go on."""


@dataclass(frozen=True, slots=True)
class SseEvent:
    """One event as it came; `name` is empty unless the sender gave one."""

    data: bytes
    name: str = ""


@dataclass(slots=True)
class SseParser:
    """Turn the chunks of a stream into events. A chunk may end anywhere, inside a CRLF too.

    `events` yields as it goes, so what came before a line that is too long is not lost.
    """

    max_line_bytes: int = MAX_LINE_BYTES
    _line: bytearray = field(default_factory=bytearray)
    _data: list[bytes] = field(default_factory=list[bytes])
    _data_bytes: int = 0
    _name: str = ""
    _ended_in_cr: bool = False
    _is_first_line: bool = True

    def feed(self, chunk: bytes, events: list[SseEvent]) -> None:
        """Append the events that `chunk` completes; raise LineTooLong after those before it."""
        *ends, rest = self._unify_line_ends(chunk).split(b"\n")
        for end in ends:
            self._extend_line(end)
            line = bytes(self._line)
            self._line.clear()
            event = self._take(line)
            if event is not None:
                events.append(event)
        self._extend_line(rest)

    def _unify_line_ends(self, chunk: bytes) -> bytes:
        if self._ended_in_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._ended_in_cr = False
        if b"\r" not in chunk:
            return chunk
        self._ended_in_cr = chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _extend_line(self, more: bytes) -> None:
        self._line += more
        if len(self._line) > self.max_line_bytes:
            raise LineTooLong

    def _take(self, line: bytes) -> SseEvent | None:
        if self._is_first_line:
            line = line.removeprefix(_BOM)
            self._is_first_line = False
        if not line:
            return self._dispatch()
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data.append(value)
            self._data_bytes += len(value)
            if self._data_bytes > self.max_line_bytes:
                raise LineTooLong
        elif name == b"event":
            self._name = value.decode("utf-8", "replace")
        return None

    def _dispatch(self) -> SseEvent | None:
        data, name = self._data, self._name
        self._data, self._data_bytes, self._name = [], 0, ""
        return SseEvent(b"\n".join(data), name) if data else None
