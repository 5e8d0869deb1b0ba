"""Change a row that exists: hold it, begin the period that is due, write it, note what was done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from shared.admin.budget_periods import begin_due_period
from shared.admin.change import changing
from shared.domain import Scope
from shared.errors import GatewayError, NotFound
from shared.storage import admin_keys, admin_teams, admin_users
from shared.storage.admin_changes import insert_audit
from shared.storage.columns import millis, moment
from shared.wire.admin_keys import KeyColumns, KeyInfo
from shared.wire.admin_policies import PolicyInfo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.admin_changes import Action
    from shared.storage.policies import Entity
    from shared.storage.postgres import Runs, Transaction
    from shared.wire.admin_teams import TeamInfo
    from shared.wire.admin_users import UserInfo

Info = TypeVar("Info", bound=PolicyInfo)
Written_contra = TypeVar("Written_contra", bound=PolicyInfo, contravariant=True)


class Write(Protocol[Written_contra]):
    """How a row's columns are written."""

    async def __call__(
        self, db: Runs, entity_id: str, columns: Written_contra, /, *, by: str
    ) -> None:
        """Set every column an admin sets."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[Info]):
    """A table of policies, by its statements; `table` is what LiteLLM's audit log calls it."""

    scope: Scope
    table: str
    lock: Callable[[Runs, str], Awaitable[None]]
    find: Callable[[Runs, str], Awaitable[Info | None]]
    roll_over: Callable[[Runs, str, datetime], Awaitable[None]]
    set_spend: Callable[[Runs, str, Decimal], Awaitable[None]]
    write: Write[Info]


KEYS: Kind[KeyInfo] = Kind(
    scope=Scope.KEY,
    table="LiteLLM_VerificationToken",
    lock=admin_keys.lock_key,
    find=admin_keys.find_key,
    roll_over=admin_keys.roll_key_over,
    set_spend=admin_keys.set_key_spend,
    write=admin_keys.write_key,
)
USERS: Kind[UserInfo] = Kind(
    scope=Scope.USER,
    table="LiteLLM_UserTable",
    lock=admin_users.lock_user,
    find=admin_users.find_user,
    roll_over=admin_users.roll_user_over,
    set_spend=admin_users.set_user_spend,
    write=admin_users.write_user,
)
TEAMS: Kind[TeamInfo] = Kind(
    scope=Scope.TEAM,
    table="LiteLLM_TeamTable",
    lock=admin_teams.lock_team,
    find=admin_teams.find_team,
    roll_over=admin_teams.roll_team_over,
    set_spend=admin_teams.set_team_spend,
    write=admin_teams.write_team,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit(Generic[Info]):
    """What is to become of one row; `beside` are policies that change or come into being with it.

    `then` runs once the row is written, and returns the id that it has from then on.
    """

    entity_id: str
    action: Action
    change: Callable[[Info], Info]
    spend: Decimal | None = None
    beside: tuple[Entity, ...] = ()
    then: Callable[[Transaction, Info], Awaitable[str]] | None = None
    conflicts: Mapping[str, GatewayError] = field(default_factory=dict[str, GatewayError])


async def rewrite(
    desk: Desk, caller: Caller, kind: Kind[Info], edit: Edit[Info], now: Millis
) -> Info:
    """Apply an edit; raise NotFound when the row is gone."""
    entities = [(kind.scope, edit.entity_id), *edit.beside]
    async with changing(desk.stores, entities, edit.conflicts) as transaction:
        before = await _held(transaction, desk, kind, edit.entity_id, now)
        await _write(transaction, caller, kind, edit, edit.change(before))
        now_called = await edit.then(transaction, before) if edit.then else edit.entity_id
        after = await existing(transaction, kind, now_called)
        await insert_audit(
            transaction,
            caller.audit(edit.action, kind.table, edit.entity_id, before=before, after=after),
        )
    return after


async def existing(db: Runs, kind: Kind[Info], entity_id: str) -> Info:
    """Return a row; raise NotFound when there is none."""
    found = await kind.find(db, entity_id)
    if found is None:
        raise NotFound(f"{kind.scope.capitalize()} not found.", param=f"{kind.scope}")
    return found


async def _held(
    transaction: Transaction, desk: Desk, kind: Kind[Info], entity_id: str, now: Millis
) -> Info:
    await kind.lock(transaction, entity_id)
    info = await existing(transaction, kind, entity_id)
    if isinstance(info, KeyColumns) and info.budget_id is not None:
        await begin_due_period(transaction, desk, info.budget_id, now)
        info = await existing(transaction, kind, entity_id)
    since = desk.period_of(info, now).since
    if since <= millis(info.budget_started_at):
        return info
    # A new duration or an unset one must not bring back the period that has just ended.
    await kind.roll_over(transaction, entity_id, moment(since))
    return desk.as_of(info, now)


async def _write(
    transaction: Transaction, caller: Caller, kind: Kind[Info], edit: Edit[Info], columns: Info
) -> None:
    if isinstance(columns, KeyColumns) and columns.user_id is not None:
        await admin_users.ensure_users(transaction, [columns.user_id], by=caller.name)
    await kind.write(transaction, edit.entity_id, columns, by=caller.name)
    if edit.spend is not None:
        await kind.set_spend(transaction, edit.entity_id, edit.spend)
