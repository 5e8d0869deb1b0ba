"""Lua scripts: every one lives in lua/NAME.lua, opens with its contract, and is loaded once.

A line `-- include NAME` stands for the text of lua/NAME.lua: Lua in Redis has no modules.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent / "lua"
_INCLUDE = re.compile(r"^-- include (\w+)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Script:
    """One script as Redis gets it; `sha` is the name EVALSHA knows it by."""

    name: str
    source: str
    sha: str

    @classmethod
    def of(cls, name: str, source: str) -> Script:
        """Make a script of its text."""
        sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()
        return cls(name, source, sha)


@cache
def script(name: str) -> Script:
    """Load lua/NAME.lua with its includes."""
    return Script.of(name, _read(name))


def _read(name: str) -> str:
    text = (_FOLDER / f"{name}.lua").read_text()
    return _INCLUDE.sub(lambda found: _read(found[1]).rstrip(), text)
