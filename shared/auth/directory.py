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

from shared.domain import Key, KeyHash, Millis, Policy, Principal, Scope, Team, User
from shared.errors import KeyNotFound, RedisDown
from shared.storage import policies
from shared.storage.grace import Successor
from shared.storage.policies import Deleted
from shared.storage.principals import find_principal
from shared.storage.shared_reads import SharedReads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shared.storage.policies import Entity, Entry
    from shared.storage.stores import Stores

CAPACITY = 10_000
TRUSTED_WITHOUT_REDIS_MS = 60_000


@dataclass(slots=True)
class Directory:
    """The policies this process has seen, least recently used first."""

    stores: Stores
    _known: OrderedDict[Entity, tuple[Policy, Millis]] = field(
        default_factory=OrderedDict[tuple[Scope, str], tuple[Policy, Millis]]
    )
    successors: dict[KeyHash, Successor] = field(default_factory=dict[KeyHash, Successor])
    """What former secrets stand for, as far as this process has seen them."""

    _reloads: SharedReads[Principal] = field(default_factory=SharedReads[Principal])

    async def find(self, key_hash: KeyHash, now: Millis, *, fresh: bool = False) -> Principal:
        """Return the principal behind a hash; raise KeyNotFound when there is none.

        `fresh` asks Redis even for what is known, for callers that will not admit.
        """
        if not fresh and (known := self._assemble(key_hash)) is not None:
            return known
        try:
            principal = await self._from_redis(key_hash, now, fresh=fresh)
        except RedisDown:
            principal = self._trusted(key_hash, now)
        return principal or await self.reload(key_hash, now)

    async def reload(self, key_hash: KeyHash, now: Millis) -> Principal:
        """Read the principal from Postgres and offer its entries to Redis."""
        return await self._reloads.read(key_hash, lambda: self._reload(key_hash, now))

    async def _reload(self, key_hash: KeyHash, now: Millis) -> Principal:
        principal = await find_principal(self.stores.postgres, key_hash)
        if principal is None:
            self._known.pop((Scope.KEY, key_hash), None)
            raise KeyNotFound
        self.learn(principal.policies, now)
        # Without Redis the next process that reads Postgres offers it again.
        with suppress(RedisDown):
            await policies.publish(self.stores.redis, principal.policies)
        return principal

    def learn(self, entries: Iterable[Entry], now: Millis) -> None:
        """Remember newer policies and forget deleted ones."""
        for entry in entries:
            match entry:
                case Policy():
                    self._remember(entry, now)
                case Deleted(scope, entity_id):
                    self._known.pop((scope, entity_id), None)
                case _:
                    continue

    def remember_successor(self, former: KeyHash, successor: Successor | None) -> None:
        """Note what a former secret stands for, or that it no longer does."""
        if successor is None:
            self.successors.pop(former, None)
        elif len(self.successors) < CAPACITY:
            self.successors[former] = successor

    def confirm(self, principal: Principal, now: Millis) -> None:
        """Note that Redis has just vouched for these policies."""
        for policy in principal.policies:
            entity = (policy.scope, policy.entity_id)
            if (known := self._known.get(entity)) is not None:
                self._known[entity] = (known[0], now)
                self._known.move_to_end(entity)

    def _remember(self, policy: Policy, now: Millis) -> None:
        entity = (policy.scope, policy.entity_id)
        known = self._known.get(entity)
        if known is not None and known[0].version > policy.version:
            return
        if known is not None and known[0].version == policy.version:
            policy = replace(policy, read_mark=max(policy.read_mark, known[0].read_mark))
        self._known[entity] = (policy, now)
        self._known.move_to_end(entity)
        while len(self._known) > CAPACITY:
            self._known.popitem(last=False)

    async def _from_redis(self, key_hash: KeyHash, now: Millis, *, fresh: bool) -> Principal | None:
        """Read the key's entry, then whichever of its user and team is not known."""
        key_entity: Entity = (Scope.KEY, key_hash)
        if fresh or key_entity not in self._known:
            (entry,) = await policies.read(self.stores.redis, [key_entity])
            if isinstance(entry, Deleted):
                self.learn([entry], now)
                raise KeyNotFound
            if not isinstance(entry, Key):
                return None
            self.learn([entry], now)
        key = self._known[key_entity][0]
        wanted = _hangs_from(key)
        missing = [entity for entity in wanted if fresh or entity not in self._known]
        entries = await policies.read(self.stores.redis, missing)
        if not all(isinstance(entry, Policy) for entry in entries):
            return None
        self.learn(entries, now)
        return self._assemble(key_hash)

    def _assemble(self, key_hash: KeyHash) -> Principal | None:
        known = self._known.get((Scope.KEY, key_hash))
        if known is None or not isinstance(key := known[0], Key):
            return None
        above = {entity[0]: self._known.get(entity) for entity in _hangs_from(key)}
        user, team = above.get(Scope.USER), above.get(Scope.TEAM)
        if None in above.values():
            return None
        return Principal(
            key=key,
            user=user[0] if user is not None and isinstance(user[0], User) else None,
            team=team[0] if team is not None and isinstance(team[0], Team) else None,
        )

    def _trusted(self, key_hash: KeyHash, now: Millis) -> Principal | None:
        principal = self._assemble(key_hash)
        if principal is None:
            return None
        seen = [self._known[policy.scope, policy.entity_id][1] for policy in principal.policies]
        return principal if min(seen) > now - TRUSTED_WITHOUT_REDIS_MS else None


def _hangs_from(key: Policy) -> list[Entity]:
    if not isinstance(key, Key):
        return []
    above: list[Entity] = []
    if key.user_id is not None:
        above.append((Scope.USER, key.user_id))
    if key.team_id is not None:
        above.append((Scope.TEAM, key.team_id))
    return above
