"""Who is who, as one process knows it: from memory, else Redis, else one SQL statement.

What memory says is never trusted alone: admit compares the version of every entry it used, and
callers that do not admit ask for `fresh=True`. Only while Redis is down does memory answer by
itself, for a minute.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from shared.auth.kinship import assemble, entities_of, lacks_end_user
from shared.domain import Absent, KeyHash, Policy, Principal, Scope
from shared.errors import KeyNotFound, RedisDown
from shared.storage import policies
from shared.storage.grace import Successor
from shared.storage.policies import Deleted
from shared.storage.principals import find_end_user, find_entries
from shared.storage.shared_reads import SharedReads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.domain import Millis
    from shared.storage.policies import Entity, Entry
    from shared.storage.principals import Asking
    from shared.storage.stores import Stores

    Known = Policy | Absent

CAPACITY = 10_000
TRUSTED_WITHOUT_REDIS_MS = 60_000

_NEVER_WITHOUT = frozenset({Scope.KEY, Scope.USER, Scope.TEAM})
"""A key whose user or team is gone must be read again, not served without their limits."""


@dataclass(slots=True)
class Directory:
    """The policies this process has seen, least recently used first."""

    stores: Stores
    _known: OrderedDict[Entity, tuple[Known, Millis]] = field(
        default_factory=OrderedDict["Entity", "tuple[Known, Millis]"]
    )
    successors: dict[KeyHash, Successor] = field(default_factory=dict[KeyHash, Successor])
    """What former secrets stand for, as far as this process has seen them."""

    _reloads: SharedReads[Principal] = field(default_factory=SharedReads[Principal])

    async def find(self, asking: Asking, now: Millis, *, fresh: bool = False) -> Principal:
        """Return who asks; raise KeyNotFound when there is no such key.

        `fresh` asks Redis even for what is known, for callers that will not admit.
        """
        if not fresh and (known := self._assembled(asking)) is not None:
            return known
        try:
            principal = await self._from_redis(asking, now, fresh=fresh)
        except RedisDown:
            principal = self._trusted(asking, now)
        return principal or await self.reload(asking, now)

    async def reload(self, asking: Asking, now: Millis) -> Principal:
        """Read the principal from Postgres and offer its entries to Redis."""
        return await self._reloads.read(asking, lambda: self._reload(asking, now))

    async def _reload(self, asking: Asking, now: Millis) -> Principal:
        rows = {
            (row.scope, row.entity_id): row
            for row in await find_entries(self.stores.postgres, asking)
        }
        key = rows.get((Scope.KEY, asking.key_hash))
        if key is None:
            self._known.pop((Scope.KEY, asking.key_hash), None)
            raise KeyNotFound

        def entry(entity: Entity) -> Known:
            return rows.get(entity) or Absent(*entity, read_mark=key.read_mark)

        principal = assemble(asking, entry)
        if asking.end_user and principal is not None and lacks_end_user(asking, principal):
            made = await find_end_user(self.stores.postgres, asking.end_user)
            rows |= {} if made is None else {(made.scope, made.entity_id): made}
        entries = [entry(entity) for entity in entities_of(asking, entry)]
        self.learn((each for each in entries if isinstance(each, Policy)), now)
        for absent in entries:
            if isinstance(absent, Absent):
                self._keep(absent, now)
        # Without Redis the next process that reads Postgres offers it again.
        with suppress(RedisDown):
            await policies.publish(self.stores.redis, entries)
        principal = assemble(asking, entry)
        if principal is None:
            raise KeyNotFound
        return principal

    def learn(self, entries: Iterable[Entry], now: Millis) -> None:
        """Remember newer policies, and what is gone."""
        for entry in entries:
            match entry:
                case Policy() | Absent():
                    self._remember(entry, now)
                case Deleted(scope, entity_id, version):
                    self._known.pop((scope, entity_id), None)
                    if scope not in _NEVER_WITHOUT:
                        self._remember(Absent(scope, entity_id, version), now)
                case _:
                    continue

    def remember_successor(self, former: KeyHash, successor: Successor | None) -> None:
        """Note what a former secret stands for, or that it no longer does."""
        if successor is None:
            self.successors.pop(former, None)
        elif len(self.successors) < CAPACITY:
            self.successors[former] = successor

    def confirm(self, principal: Principal, now: Millis) -> None:
        """Note that Redis has just vouched for these entries."""
        for entry in principal.entries:
            entity = (entry.scope, entry.entity_id)
            if (known := self._known.get(entity)) is not None:
                self._known[entity] = (known[0], now)
                self._known.move_to_end(entity)

    def _remember(self, entry: Known, now: Millis) -> None:
        known = self._known.get((entry.scope, entry.entity_id))
        if known is not None and known[0].version > entry.version:
            return
        if known is not None and known[0].version == entry.version:
            entry = replace(entry, read_mark=max(entry.read_mark, known[0].read_mark))
        self._keep(entry, now)

    def _keep(self, entry: Known, now: Millis) -> None:
        entity = (entry.scope, entry.entity_id)
        self._known[entity] = (entry, now)
        self._known.move_to_end(entity)
        while len(self._known) > CAPACITY:
            self._known.popitem(last=False)

    async def _from_redis(self, asking: Asking, now: Millis, *, fresh: bool) -> Principal | None:
        """Read what is not known, then what that leads to; None when Redis does not have it all."""
        seen: set[Entity] = set()
        while True:
            wanted = [
                entity
                for entity in entities_of(asking, self._entry)
                if entity not in seen and (fresh or entity not in self._known)
            ]
            if not wanted:
                return self._assembled(asking)
            seen.update(wanted)
            entries = await policies.read(self.stores.redis, wanted)
            self.learn(entries, now)
            for entity, entry in zip(wanted, entries, strict=True):
                if isinstance(entry, Deleted) and entity[0] is Scope.KEY:
                    raise KeyNotFound
                if not isinstance(entry, Policy | Absent | Deleted):
                    return None

    def _assembled(self, asking: Asking) -> Principal | None:
        """Put the principal together from memory; None when Postgres must be asked."""
        principal = assemble(asking, self._entry)
        return None if principal is None or lacks_end_user(asking, principal) else principal

    def _entry(self, entity: Entity) -> Known | None:
        known = self._known.get(entity)
        return None if known is None else known[0]

    def _trusted(self, asking: Asking, now: Millis) -> Principal | None:
        principal = self._assembled(asking)
        if principal is None:
            return None
        seen = [self._known[entry.scope, entry.entity_id][1] for entry in principal.entries]
        return principal if min(seen) > now - TRUSTED_WITHOUT_REDIS_MS else None
