"""How a policy is changed so that the change is in force everywhere on the next request.

    1  take a number                         from the sequence that stamps versions
    2  set it as a fence in Redis            from now on nobody trusts an older copy
    3  write, and read back what was written one transaction: all of it or nothing
    4  put the new entries into Redis        compare-and-set: a slow writer resurrects nothing
    5  tell whoever listens

Before step 3 commits nothing has changed; after it, Postgres has the truth and a fence or the
ledger function brings it to Redis, whatever dies in between. So trouble with Redis is logged and
never fails a change: refusing it would keep a leaked key alive.
"""

from __future__ import annotations

from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from shared.domain import Scope
from shared.errors import BadRequest, GatewayError, RedisDown, Refused, StoreDown
from shared.observability import log
from shared.storage import policies
from shared.storage.admin_changes import announce, find_tombstones, next_version
from shared.storage.failures import StatementFailed
from shared.storage.principals import find_policies
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator, Mapping, Sequence

    from shared.domain import Policy
    from shared.storage.policies import Deleted, Entity
    from shared.storage.postgres import Runs, Transaction
    from shared.storage.redis import Redis
    from shared.storage.stores import Stores

_CALLERS_DOING = frozenset({"22", "23", "54"})
"""SQLSTATE classes: a value cannot be held, a constraint is broken, something is too large."""


@asynccontextmanager
async def changing(
    stores: Stores,
    entities: Sequence[Entity],
    conflicts: Mapping[str, GatewayError] | None = None,
) -> AsyncGenerator[Transaction]:
    """Open the transaction in which the policies of `entities` change.

    `conflicts` says what a broken constraint means to the caller. Raise PostgresDown when nothing
    could be changed, or when it cannot be known.
    """
    first = _first_of_their_kind(entities)
    fenced = [*entities, *first]
    number = await _fence(stores, fenced)
    try:
        with refusing(conflicts or {}):
            async with stores.postgres.transaction() as transaction:
                yield transaction
                # Whoever changes may have found more that changes along, and listed it.
                entries = await _entries(transaction, [*entities, *first])
    except Refused:
        # Nothing has changed: calls need not read Postgres for a minute because of it.
        await _lift(stores, fenced, number)
        raise
    await _publish(stores.redis, entries)


def _first_of_their_kind(entities: Sequence[Entity]) -> list[Entity]:
    """List the notes that end users, or tags, have limits: it may be the first that gets any."""
    kinds = {scope for scope, _ in entities if scope in (Scope.END_USER, Scope.TAG)}
    return [(Scope.LIMITED, kind) for kind in sorted(kinds)]


async def _fence(stores: Stores, entities: Sequence[Entity]) -> int:
    number = await next_version(stores.postgres)
    try:
        await policies.fence(stores.redis, entities, number)
    except (RedisDown, RedisRefused) as error:
        log.warning("fence_not_set", reason=str(error), entities=len(entities))
    return number


async def _lift(stores: Stores, entities: Sequence[Entity], number: int) -> None:
    try:
        entries = await _entries(stores.postgres, entities)
        known = {(entry.scope, entry.entity_id): entry for entry in entries}
        standing = [(entity, known.get(entity)) for entity in dict.fromkeys(entities)]
        await policies.lift(stores.redis, number, standing)
    except (StoreDown, RedisRefused) as error:
        # They end by themselves.
        log.warning("fence_not_lifted", reason=str(error), entities=len(entities))


async def _entries(transaction: Runs, entities: Sequence[Entity]) -> list[Policy | Deleted]:
    found = await find_policies(transaction, entities)
    there = {(policy.scope, policy.entity_id) for policy in found}
    gone = [entity for entity in entities if entity not in there]
    return [*found, *(await find_tombstones(transaction, gone) if gone else [])]


async def _publish(redis: Redis, entries: Sequence[Policy | Deleted]) -> None:
    try:
        await policies.publish(redis, entries)
        await announce(redis, datetime.now(UTC))
    except (RedisDown, RedisRefused) as error:
        log.warning("policies_not_published", reason=str(error), entries=len(entries))


@contextmanager
def refusing(conflicts: Mapping[str, GatewayError]) -> Generator[None]:
    """Tell what Postgres refuses as what the caller did wrong."""
    try:
        yield
    except StatementFailed as error:
        if (known := conflicts.get(error.constraint or "")) is not None:
            raise known from error
        if error.sqlstate[:2] in _CALLERS_DOING:
            raise BadRequest("A value in the request cannot be stored.") from error
        raise
