"""Who is who, from Postgres: a key with all it hangs from, in one statement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, cast

from shared.domain import Key, Policy, Scope, Team, User
from shared.storage.columns import millis, nanodollars
from shared.storage.policies import Deleted
from shared.storage.statements import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from decimal import Decimal

    from shared.domain import Json, KeyHash, Millis, Nanodollars
    from shared.storage.driver import Row
    from shared.storage.policies import Entity
    from shared.storage.postgres import Runs

_SQL: Final = load("principals")


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a call names, and what limits an end user that neither its row nor the key limits."""

    end_user: str | None = None
    tags: tuple[str, ...] = ()
    end_user_budget_id: str | None = None

    def by(self, key_hash: KeyHash) -> Asking:
        """Say what must be known of whoever makes the call with this key."""
        return Asking(key_hash, self.end_user, self.tags, self.end_user_budget_id)


NOBODY: Final = Named()
"""Whom a call names that names nobody."""


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks: a key, and whom it says it asks for (`Named`)."""

    key_hash: KeyHash
    end_user: str | None = None
    tags: tuple[str, ...] = ()
    end_user_budget_id: str | None = None

    @property
    def limited(self) -> tuple[Scope, ...]:
        """The kinds that matter only where any of them has limits."""
        scopes = ((Scope.END_USER, self.end_user), (Scope.TAG, self.tags))
        return tuple(scope for scope, named in scopes if named)


async def find_entries(db: Runs, asking: Asking) -> list[Policy]:
    """Return the key of that hash with all it hangs from, in one statement; nothing without it.

    What is missing in the answer does not exist.
    """
    found = await _read(
        db,
        "find_principal",
        key_hash=asking.key_hash,
        end_user=asking.end_user,
        end_user_budget_id=asking.end_user_budget_id,
        tags=list(asking.tags),
        limited=[scope.value for scope in asking.limited],
    )
    return found if any(policy.scope is Scope.KEY for policy in found) else []


async def find_end_user(db: Runs, end_user: str) -> Policy | None:
    """Return an end user, who gets a row if there is none: from now on what it spends counts."""
    await db.run(_SQL["note_end_user"], end_user=end_user)
    found = await find_policies(db, [(Scope.END_USER, end_user)])
    return found[0] if found else None


async def find_policies(db: Runs, entities: Sequence[Entity]) -> list[Policy]:
    """Return the policies of those of the entities that exist, in no order."""
    return await _read(
        db,
        "find_policies",
        scopes=[scope.value for scope, _ in entities],
        entity_ids=[entity_id for _, entity_id in entities],
    )


async def gone_before(db: Runs, entities: Sequence[Entity], before: datetime) -> frozenset[Entity]:
    """Return those of the entities that were deleted before a moment and are not there again."""
    rows = await db.all(
        _SQL["gone_before"],
        scopes=[scope.value for scope, _ in entities],
        entity_ids=[entity_id for _, entity_id in entities],
        before=before,
    )
    return frozenset((Scope(str(row["scope"])), str(row["entity_id"])) for row in rows)


async def changed_policies(
    db: Runs, since: datetime, *, after: int = 0, most: int = 500
) -> list[Policy | Deleted]:
    """Return policies that were changed or deleted since a moment, by rising version.

    At most `most` of those above version `after`: call again with the last one's version.
    """
    changed = await _read(db, "changed_policies", since=since, after=after, most=most)
    rows = await db.all(_SQL["deleted_policies"], since=since, after=after, most=most)
    deleted = [_deleted(row) for row in rows]
    return sorted([*changed, *deleted], key=lambda entry: entry.version)[:most]


async def _read(db: Runs, statement: str, **params: object) -> list[Policy]:
    # The statements of principals.sql give these columns; a test reads them all.
    rows = cast("list[_Columns]", await db.all(_SQL[statement], **params))
    return [_policy(row) for row in rows]


class _Columns(TypedDict):
    """A row of the view `policy`."""

    scope: str
    entity_id: str
    version: int
    read_mark: int
    blocked: bool
    models: list[str]
    max_budget: Decimal | None
    budget_duration: str | None
    budget_reset_at: datetime | None
    budget_started_at: datetime
    budget_opening: Decimal
    rpm_limit: int | None
    tpm_limit: int | None
    max_parallel_requests: int | None
    metadata: Json
    key_name: str | None
    alias: str | None
    user_id: str | None
    team_id: str | None
    expires: datetime | None
    allowed_routes: list[str]
    allowed_cache_controls: list[str]
    model_aliases: Json
    permissions: Json
    user_role: str
    organization_id: str | None
    budget_id: str | None
    soft_budget: Decimal | None
    model_max_budget: Json
    budget_limits: Json
    rph_limit: int | None
    tph_limit: int | None
    rpd_limit: int | None
    tpd_limit: int | None


class _Common(TypedDict):
    """What every kind of policy has."""

    entity_id: str
    version: int
    read_mark: int
    blocked: bool
    models: tuple[str, ...]
    max_budget: Nanodollars | None
    budget_duration: str | None
    budget_reset_at: Millis | None
    budget_started_at: Millis
    budget_opening: Nanodollars
    rpm_limit: int | None
    tpm_limit: int | None
    rph_limit: int | None
    tph_limit: int | None
    rpd_limit: int | None
    tpd_limit: int | None
    max_parallel_requests: int | None
    budget_id: str | None
    soft_budget: Nanodollars | None
    model_max_budget: Mapping[str, Json]
    budget_limits: tuple[Json, ...]
    metadata: Mapping[str, Json]


def _policy(row: _Columns) -> Policy:
    common = _common(row)
    match Scope(row["scope"]):
        case Scope.KEY:
            return Key(
                scope=Scope.KEY,
                **common,
                key_name=row["key_name"],
                key_alias=row["alias"],
                user_id=row["user_id"],
                team_id=row["team_id"],
                organization_id=row["organization_id"],
                expires=millis(row["expires"]),
                allowed_routes=tuple(row["allowed_routes"]),
                allowed_cache_controls=tuple(row["allowed_cache_controls"]),
                aliases=_names(row["model_aliases"]),
                permissions=_object(row["permissions"]),
            )
        case Scope.USER:
            return User(scope=Scope.USER, **common, role=row["user_role"])
        case Scope.TEAM:
            return Team(
                scope=Scope.TEAM,
                **common,
                team_alias=row["alias"],
                organization_id=row["organization_id"],
                model_aliases=_names(row["model_aliases"]),
            )
        case scope:
            return Policy(scope=scope, **common)


def _common(row: _Columns) -> _Common:
    return {
        "entity_id": row["entity_id"],
        "version": row["version"],
        "read_mark": row["read_mark"],
        "blocked": row["blocked"],
        "models": tuple(row["models"]),
        "max_budget": nanodollars(row["max_budget"]),
        "budget_duration": row["budget_duration"],
        "budget_reset_at": millis(row["budget_reset_at"]),
        "budget_started_at": millis(row["budget_started_at"]),
        "budget_opening": nanodollars(row["budget_opening"]),
        "rpm_limit": row["rpm_limit"],
        "tpm_limit": row["tpm_limit"],
        "rph_limit": row["rph_limit"],
        "tph_limit": row["tph_limit"],
        "rpd_limit": row["rpd_limit"],
        "tpd_limit": row["tpd_limit"],
        "max_parallel_requests": row["max_parallel_requests"],
        "budget_id": row["budget_id"],
        "soft_budget": nanodollars(row["soft_budget"]),
        "model_max_budget": _object(row["model_max_budget"]),
        "budget_limits": _list(row["budget_limits"]),
        "metadata": _object(row["metadata"]),
    }


def _deleted(row: Row) -> Deleted:
    return Deleted(Scope(str(row["scope"])), str(row["entity_id"]), int(str(row["version"])))


def _object(value: Json) -> Mapping[str, Json]:
    """Read a jsonb column that should hold an object; tools wrote nulls and lists as well."""
    return value if isinstance(value, dict) else {}


def _list(value: Json) -> tuple[Json, ...]:
    return tuple(value) if isinstance(value, list) else ()


def _names(value: Json) -> Mapping[str, str]:
    return {name: to for name, to in _object(value).items() if isinstance(to, str)}
