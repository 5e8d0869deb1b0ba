"""What of a dependency's file is read at run time: code without its debug symbols, and the like.

Nothing a licence asks for goes: `is_licence` names the files that stay as they are.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import PurePath

ELF: Final = b"\x7fELF\x02\x01"  # of 64 bits, little-endian: all that Lambda runs
LICENCES: Final = ("licen", "copying", "notice", "authors")

# An ELF header's fields, by their place (man 5 elf).
_PROGRAM_HEADERS_AT: Final = 0x20
_SECTION_HEADERS_AT: Final = 0x28
_COUNTS_AT: Final = 0x36  # of program headers: size, count; of section headers: size, count, names
_OFFSET_IN_PROGRAM_HEADER: Final = 8
_SIZE_IN_PROGRAM_HEADER: Final = 32


def slim(name: PurePath, content: bytes) -> bytes:
    """Return what of a file is read at run time."""
    if content.startswith(ELF):
        return loaded(content)
    if name.name == "METADATA" and name.parts[0].endswith(".dist-info"):
        return headers(content)
    return content


def is_licence(name: PurePath) -> bool:
    """Whether a file of a distribution's metadata says who made it and on which terms."""
    return name.name.lower().startswith(LICENCES) or "licenses" in name.parts


def loaded(library: bytes) -> bytes:
    """Return a shared library up to the last byte that a loader maps, without its sections.

    A loader reads program headers alone; symbols for debuggers and the sections' table, which lie
    behind them, are half of what some wheels weigh. `strip` would do the same, but only where it
    knows the processor.
    """
    size, count = struct.unpack_from("<HH", library, _COUNTS_AT)
    (first,) = struct.unpack_from("<Q", library, _PROGRAM_HEADERS_AT)
    ends = [first + size * count]
    for at in range(first, first + size * count, size):
        (offset,) = struct.unpack_from("<Q", library, at + _OFFSET_IN_PROGRAM_HEADER)
        (length,) = struct.unpack_from("<Q", library, at + _SIZE_IN_PROGRAM_HEADER)
        ends.append(offset + length)
    kept = bytearray(library[: max(ends)])
    struct.pack_into("<Q", kept, _SECTION_HEADERS_AT, 0)
    struct.pack_into("<HHH", kept, _COUNTS_AT + 4, 0, 0, 0)
    return bytes(kept)


def headers(metadata: bytes) -> bytes:
    """Return a distribution's name, version and the like, without its README."""
    return metadata.partition(b"\n\n")[0] + b"\n"
