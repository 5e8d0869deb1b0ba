"""Policy entries in Redis: one per key, user, team, budget …, each with its own version.

An entry is the JSON of a Policy, a tombstone, the note that there is no such row, or a fence in
front of a change.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from shared.domain import Absent, Key, Policy, Scope, Team, User
from shared.storage.key_names import encode_id
from shared.storage.scripts import script

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.storage.redis import Runs

ENTRY_LIFE_MS = 24 * 3600 * 1000
FENCE_LIFE_MS = 60 * 1000

Entity = tuple[Scope, str]

_SHAPES: Mapping[Scope, type[Policy]] = {Scope.KEY: Key, Scope.USER: User, Scope.TEAM: Team}
_TUPLES = frozenset({"models", "allowed_routes", "allowed_cache_controls", "budget_limits"})
_NOT_COLUMNS = frozenset({"version", "read_mark", "scope", "entity_id"})


@dataclass(frozen=True, slots=True)
class Deleted:
    """What is left of a policy whose row is gone."""

    scope: Scope
    entity_id: str
    version: int


@dataclass(frozen=True, slots=True)
class Fence:
    """A change numbered `number` is about to commit; read Postgres."""

    number: int


Entry = Policy | Deleted | Absent | Fence | None


def redis_key(scope: Scope, entity_id: str) -> str:
    """Name the entry of an entity: `key:{hash}` or `policy:{scope}:{id}`."""
    if scope is Scope.KEY:
        return f"key:{encode_id(entity_id)}"
    return f"policy:{scope}:{encode_id(entity_id)}"


async def read(redis: Runs, entities: Sequence[Entity]) -> list[Entry]:
    """Return what stands for each entity, None where nothing does."""
    if not entities:
        return []
    found = await redis.execute(["MGET", *(redis_key(*entity) for entity in entities)])
    if not isinstance(found, list):
        return [None] * len(entities)
    return [
        parse(entity, text) if isinstance(text, str) else None
        for entity, text in zip(entities, found, strict=True)
    ]


async def publish(redis: Runs, entries: Sequence[Policy | Deleted | Absent]) -> int:
    """Write entries where nothing newer stands; return how many were written."""
    if not entries:
        return 0
    keys = [redis_key(entry.scope, entry.entity_id) for entry in entries]
    args: list[str | int] = []
    for entry in entries:
        args += [entry.version, ENTRY_LIFE_MS, render(entry)]
    written = await redis.run(script("fill"), keys, args)
    return sum(w for w in written if isinstance(w, int)) if isinstance(written, list) else 0


async def fence(redis: Runs, entities: Sequence[Entity], number: int) -> None:
    """Set fence `number` before each entity whose change is about to commit."""
    if entities:
        keys = [redis_key(*entity) for entity in entities]
        await redis.run(script("fence"), keys, [number, FENCE_LIFE_MS])


async def lift(
    redis: Runs, number: int, standing: Sequence[tuple[Entity, Policy | Deleted | None]]
) -> None:
    """Take fence `number` away from entities that have not changed, and put back what they are."""
    if not standing:
        return
    args: list[str | int] = [number]
    for _, entry in standing:
        args += [ENTRY_LIFE_MS, "" if entry is None else render(entry)]
    keys = [redis_key(*entity) for entity, _ in standing]
    await redis.run(script("lift"), keys, args)


def render(entry: Policy | Deleted | Absent) -> str:
    """Write an entry's JSON; the scripts read its version from the first bytes."""
    if isinstance(entry, Absent):
        return f'{{"version":{entry.version},"none":true}}'
    if isinstance(entry, Deleted):
        return f'{{"version":{entry.version},"deleted":true}}'
    columns = {
        field.name: value
        for field in fields(entry)
        if field.name not in _NOT_COLUMNS
        and (value := getattr(entry, field.name)) not in (None, (), {})
    }
    # Not orjson: metadata may hold whole numbers beyond 64 bits, which it refuses.
    body = json.dumps(columns, default=dict, ensure_ascii=False, separators=(",", ":"))
    return f'{{"version":{entry.version},{body[1:]}'


def parse(entity: Entity, text: str) -> Entry:
    """Read an entry's JSON; what is not one of ours counts as nothing."""
    scope, entity_id = entity
    try:
        found: Any = json.loads(text)  # Any: what `render` wrote
        match found:
            case {"fence": int(number)}:
                return Fence(number)
            case {"version": int(version), "deleted": True}:
                return Deleted(scope, entity_id, version)
            case {"version": int(version), "none": True}:
                return Absent(scope, entity_id, version)
            case {"version": int(version), **columns}:
                return _policy(scope, entity_id, version, columns)
            case _:
                return None
    except (ValueError, TypeError):
        # No JSON at all, or not the columns that a policy of this release is made of.
        return None


def _policy(scope: Scope, entity_id: str, version: int, columns: Mapping[str, Any]) -> Policy:
    """Build a policy from what `render` wrote, perhaps in an older or a newer release."""
    shape = _SHAPES.get(scope, Policy)
    known = {field.name for field in fields(shape)} - _NOT_COLUMNS
    values: dict[str, Any] = {
        name: tuple(value) if name in _TUPLES else value
        for name, value in columns.items()
        if name in known
    }
    return shape(scope=scope, entity_id=entity_id, version=version, **values)
