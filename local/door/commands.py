"""Translate commands from JSON to what Valkey takes, and its values back to JSON."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import TYPE_CHECKING

import orjson

from local.door.resp import Command, ErrorReply, Status, Value

if TYPE_CHECKING:
    from collections.abc import Sequence

# What HTTP without a connection cannot offer, or what would take the server away from others.
BLOCKED = frozenset(
    """
    AUTH BGSAVE BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT CONFIG DEBUG
    DISCARD EXEC HELLO MIGRATE MONITOR MOVE MULTI PSUBSCRIBE PSYNC PUNSUBSCRIBE QUIT REPLICAOF RESET
    SAVE SELECT SHUTDOWN SLAVEOF SSUBSCRIBE SUBSCRIBE SWAPDB SYNC UNSUBSCRIBE UNWATCH WAIT WATCH
    """.split()  # noqa: SIM905 - forty names read better so
)
# Upstash's own script flag: Valkey refuses a script that carries it.
_FLAGS = re.compile(rb"^(#!lua[^\n]*?)\s*flags=([^\s]*)")
_FLAG = b"allow-key-locking"


class NotACommand(ValueError):  # noqa: N818 - reads as a sentence: `raise NotACommand`
    """The message is the error reply."""


class Scripts:
    """Lets Valkey run scripts that carry Upstash's own flag, by either digest."""

    def __init__(self) -> None:
        self._digests: dict[bytes, bytes] = {}

    def translate(self, command: Command) -> Command:
        """Return a script command as Valkey takes it, any other as it is."""
        match command:
            case [name, source, *rest] if name.upper() in {b"EVAL", b"EVAL_RO"}:
                return [name, self._strip(source), *rest]
            case [name, digest, *rest] if name.upper() in {b"EVALSHA", b"EVALSHA_RO"}:
                return [name, self._digests.get(digest.lower(), digest), *rest]
            case [name, verb, source] if (name.upper(), verb.upper()) == (b"SCRIPT", b"LOAD"):
                return [name, verb, self._strip(source)]
            case [name, verb, *digests] if (name.upper(), verb.upper()) == (b"SCRIPT", b"EXISTS"):
                return [name, verb, *(self._digests.get(each.lower(), each) for each in digests)]
            case _:
                return command

    def _strip(self, source: bytes) -> bytes:
        found = _FLAGS.match(source)
        if not found or _FLAG not in found[2].split(b","):
            return source
        kept = b",".join(flag for flag in found[2].split(b",") if flag != _FLAG)
        stripped = found[1] + (b" flags=" + kept if kept else b"") + source[found.end() :]
        self._digests[_sha1(source)] = _sha1(stripped)
        return stripped


def parse(said: object) -> Command:
    """Check one command and return its arguments as bytes; NotACommand when it cannot be run."""
    if not isinstance(said, list) or not said:
        raise NotACommand("ERR empty command")
    command = [argument(each) for each in said]
    name = command[0].decode("latin-1").upper()
    if name in BLOCKED:
        raise NotACommand(f"ERR Command is not available: '{name}'. See the list of commands")
    return command


def parse_each(said: object) -> list[object]:
    """Check that a pipeline or transaction is a list of lists."""
    if not isinstance(said, list) or not said or not all(isinstance(each, list) for each in said):
        raise NotACommand("ERR failed to parse pipeline request")
    return said


def argument(said: object) -> bytes:
    """Write one JSON value as a Redis argument: text as it is, anything else as JSON."""
    if isinstance(said, str):
        return said.encode()
    if isinstance(said, bytes):
        return said
    return orjson.dumps(said)


def item(value: Value, *, is_base64: bool) -> dict[str, object]:
    """Return the JSON object of one reply."""
    if isinstance(value, ErrorReply):
        return {"error": str(value)}
    return {"result": _plain(value, is_base64=is_base64)}


def event_data(value: Value) -> str:
    """Write one pushed value as the data of a server-sent event."""
    if isinstance(value, list):
        return ",".join(str(_plain(each, is_base64=False)) for each in value)
    if value == "OK":
        return '"OK"'
    return str(_plain(value, is_base64=False))


def names(commands: Sequence[Command]) -> list[str]:
    """Return the commands' names in upper case."""
    return [command[0].decode("latin-1").upper() for command in commands]


def _plain(value: Value, *, is_base64: bool) -> object:
    match value:
        case bytes():
            return base64.b64encode(value).decode() if is_base64 else value.decode(errors="replace")
        case list():
            return [_plain(each, is_base64=is_base64) for each in value]
        case Status() if is_base64 and value != "OK":
            return base64.b64encode(value.encode()).decode()
        case str():
            return str(value)
        case _:
            return value


def _sha1(source: bytes) -> bytes:
    return hashlib.sha1(source, usedforsecurity=False).hexdigest().encode()
