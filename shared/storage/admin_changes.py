"""What every change of a policy needs of Postgres and Redis beside the change itself."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import orjson

from shared.domain import Nanodollars, Scope
from shared.storage.key_names import encode_id
from shared.storage.policies import Deleted
from shared.storage.scripts import script
from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pydantic import BaseModel, JsonValue

    from shared.storage.plans import Bearer
    from shared.storage.policies import Entity
    from shared.storage.postgres import Runs
    from shared.storage.redis import Runs as Redis

REDACTED: Final = "REDACTED"

_SECRET: Final = re.compile(
    "secret|passw|api_?key|private|credential|authorization|token$|access_?key", re.IGNORECASE
)
_HASHES: Final = frozenset({"token", "api_key_hash"})
"""What sounds like a secret and is the hash of one."""

_SQL = load("admin_changes")
_CHANNEL = "config_updates"

Action = Literal["created", "updated", "deleted", "blocked", "unblocked", "rotated"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """Who did what to which row; models show no secret, so neither does the audit log."""

    changed_by: str
    by_key: str
    action: Action
    table_name: str
    object_id: str
    before: BaseModel | None = None
    after: BaseModel | None = None


async def next_version(db: Runs) -> int:
    """Take a number that is lower than those the coming write will stamp."""
    row = await db.one(_SQL["next_version"])
    return int(str(row["version"])) if row else 0


async def find_tombstones(db: Runs, entities: Sequence[Entity]) -> list[Deleted]:
    """Return what is left of those of the entities that were deleted."""
    rows = await db.all(
        _SQL["find_tombstones"],
        scopes=[str(scope) for scope, _ in entities],
        entity_ids=[entity_id for _, entity_id in entities],
    )
    return [
        Deleted(Scope(str(row["scope"])), str(row["entity_id"]), int(str(row["version"])))
        for row in rows
    ]


async def insert_audit(db: Runs, line: Audit) -> None:
    """Write one line of the audit log."""
    await db.run(
        _SQL["insert_audit"],
        changed_by=line.changed_by,
        by_key=line.by_key,
        action=line.action,
        table_name=line.table_name,
        object_id=line.object_id,
        before=_json(line.before),
        after=_json(line.after),
    )


@dataclass(frozen=True, slots=True)
class Counter:
    """What an entity has spent in the period that began at `since`, and what calls hold now."""

    since: int
    spent: Nanodollars
    reserved: Nanodollars


async def find_counter(redis: Redis, scope: Scope, entity_id: str) -> Counter | None:
    """Return the counter of an entity's own budget, None where there is none."""
    key = f"budget:{scope}:{encode_id(entity_id)}:-"
    found = await redis.execute(["HMGET", key, "since", "spent", "reserved"])
    if not isinstance(found, list) or None in found:
        return None
    since, spent, reserved = (int(str(value)) for value in found)
    return Counter(since, Nanodollars(spent), Nanodollars(reserved))


async def carry_counters(redis: Redis, pairs: Sequence[tuple[Bearer, Bearer]]) -> None:
    """Give the second of each pair what the first one's counter says."""
    if pairs:
        keys = [bearer.budget_key for pair in pairs for bearer in pair]
        await redis.run(script("carry"), keys, [f"carry {secrets.token_hex(8)}"])


async def announce(redis: Redis, at: datetime) -> None:
    """Tell whoever listens that policies have changed."""
    message = orjson.dumps({"policies": at.isoformat()}).decode()
    await redis.execute(["PUBLISH", _CHANNEL, message])


def _json(model: BaseModel | None) -> str | None:
    if model is None:
        return None
    return orjson.dumps(_redacted(model.model_dump(mode="json"))).decode()


def _redacted(value: JsonValue) -> JsonValue:
    """Take out what names like those of secrets hold, however deep."""
    match value:
        case dict():
            return {
                name: REDACTED if inner and _is_secret(name) else _redacted(inner)
                for name, inner in value.items()
            }
        case list():
            return [_redacted(inner) for inner in value]
        case _:
            return value


def _is_secret(name: str) -> bool:
    return name not in _HASHES and _SECRET.search(name) is not None
