"""The cache's part in one call: find its answer before it is asked, keep the answer after."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import orjson

from shared.cache.embeddings import all_known, joined, vectors_of, without_known
from shared.cache.entries import Entry, parse_all, render
from shared.domain import Usage
from shared.errors import RedisDown
from shared.observability import log
from shared.storage.admission import Admitted, Waiting, admit
from shared.storage.cache import look
from shared.storage.plans import CacheLine, Keeping, Kept
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Sequence

    from shared.cache.lookup import Lookup
    from shared.domain import Call, JsonObject, Millis
    from shared.gateway.gateway import Gateway
    from shared.providers.dialect import StreamEvent
    from shared.storage.admission import AdmitReply, Decision
    from shared.storage.plans import Plan

ASK_ALONE_MS: Final = 30_000
"""After this a call that is being answered no longer keeps equal ones waiting: it may be dead."""

MAX_KEPT_BYTES: Final = 512 * 1024
"""What one call may leave: it goes out with its settling, and Upstash takes 1 MB at once."""

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 0.4


async def admit_unless_known(
    gateway: Gateway,
    plan: Plan,
    version: str,
    lookup: Lookup | None,
    row: Callable[[], str],
    hear: Callable[[Coroutine[None, None, AdmitReply]], Awaitable[AdmitReply]],
) -> Decision:
    """Admit a call, or find its answer; while an equal one is being answered, wait a little.

    `version` is the configuration's; `row` writes the ledger row of a hit; `hear` awaits a reply.
    """
    line = None
    if lookup is not None and lookup.is_read:
        line = CacheLine(keys=lookup.keys, row=row(), max_age_ms=lookup.max_age_ms)
    began, pause = time.monotonic(), _FIRST_PAUSE
    while True:
        if line is not None and lookup is not None:
            may_wait = time.monotonic() - began < lookup.wait_seconds
            line = replace(line, ask_alone_ms=ASK_ALONE_MS if may_wait else None)
        reply = await hear(_look_and_admit(gateway, plan, version, line))
        if not isinstance(reply, Waiting):
            return reply
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _look_and_admit(
    gateway: Gateway, plan: Plan, version: str, line: CacheLine | None
) -> AdmitReply:
    """Look within admit, or before it where the cache has a database of its own."""
    redis, cache = gateway.stores.redis, gateway.stores.cache
    if cache is None or line is None:
        return await admit(redis, replace(plan, cache=line), version)
    oldest = 0 if line.max_age_ms is None else gateway.clock.now() - line.max_age_ms
    try:
        found = await look(
            cache, plan.request_id, line.keys, oldest=oldest, ask_alone_ms=line.ask_alone_ms
        )
    except (RedisDown, RedisRefused) as error:
        log.warning("cache_not_read", request_id=plan.request_id, reason=str(error))
        return await admit(redis, plan, version)
    if found is None:
        return Waiting()
    hit = CacheLine(keys=(), row=line.row, known_tokens=found.tokens) if found.is_whole else None
    reply = await admit(redis, replace(plan, cache=hit), version)
    return replace(reply, cached=found.texts) if isinstance(reply, Admitted) else reply


def caching_of(lookup: Lookup | None, call: Call, reply: Admitted) -> Caching | None:
    """Read what the cache knew; None without a cache, or for a hit that cannot be read."""
    if lookup is None:
        return None
    known = parse_all(reply.cached) or [None] * len(lookup.keys)
    if reply.is_hit and None in known:
        log.error("cache_entry_unreadable", request_id=call.id, key=lookup.name)
        return None
    return Caching(lookup, call, tuple(known), is_hit=reply.is_hit)


@dataclass(slots=True)
class Caching:
    """What the cache knew of a call's answer, and what it will be left of it."""

    lookup: Lookup
    call: Call
    """As it was made: with all of its inputs."""
    known: tuple[Entry | None, ...]
    is_hit: bool
    _body: JsonObject | None = None
    _events: list[JsonObject] = field(default_factory=list["JsonObject"])
    _size: int = 0
    _is_whole: bool = False

    @property
    def asked(self) -> Call:
        """The call as it goes to a provider: without the inputs whose embeddings are known."""
        is_partly_known = self.lookup.is_per_input and any(self.known)
        return without_known(self.call, self.known) if is_partly_known else self.call

    def take(self, body: JsonObject) -> JsonObject:
        """Note a provider's answer; return it joined with what was known."""
        self._body = body
        self._is_whole = True
        is_partly_known = self.lookup.is_per_input and any(self.known)
        return joined(self.call, self.known, body) if is_partly_known else body

    def observe(self, event: StreamEvent) -> None:
        """Note an event of a stream."""
        self._is_whole = self._is_whole or (event.is_done and event.error is None)
        if event.data is None or not self.lookup.is_kept or self._size > self.lookup.max_bytes:
            return
        self._size += len(orjson.dumps(event.data))
        self._events.append(event.data)

    def answer(self) -> JsonObject:
        """Return the whole answer of a hit."""
        if self.lookup.is_per_input:
            return all_known(self.call, self.known)
        entry = self.known[0]
        return (entry.body if entry is not None else None) or {}

    def events(self) -> tuple[JsonObject, ...]:
        """Return the events of a hit."""
        entry = self.known[0]
        return entry.events if entry is not None else ()

    def keeping(self, now: Millis, usage: Usage | None) -> Keeping | None:
        """Say what to keep, and let go of who waits; nothing is kept without a usage."""
        lookup = self.lookup
        if not lookup.is_kept:
            return None
        entries: Sequence[tuple[str, Entry, Usage]] = ()
        if usage is not None and self._is_whole:
            entries = self._entries(usage)
        kept: list[Kept] = []
        room = MAX_KEPT_BYTES
        for key, entry, its in entries:
            text = render(entry, now, its.prompt_tokens, its.completion_tokens)
            size = len(text.encode())
            if size <= min(lookup.max_bytes, room):
                kept.append(Kept(key, lookup.ttl_ms, text))
                room -= size
        return Keeping(lookup.name, tuple(kept))

    def _entries(self, usage: Usage) -> list[tuple[str, Entry, Usage]]:
        if not self.lookup.is_per_input:
            entry = Entry(body=self._body, events=tuple(self._events))
            return [(self.lookup.name, entry, usage)]
        vectors = vectors_of(self._body or {})
        keys = zip(self.lookup.keys, self.known, strict=True)
        missing = [key for key, entry in keys if entry is None]
        each = Usage(prompt_tokens=usage.prompt_tokens // max(1, len(vectors)))
        return [
            (key, Entry(embedding=vector), each)
            for key, vector in zip(missing, vectors, strict=False)
            if vector
        ]
