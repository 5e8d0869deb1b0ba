"""Make, change and show users."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from shared.admin.change import changing
from shared.admin.columns import amended
from shared.admin.desk import expiry
from shared.admin.keys import NOTHING, NewKey, insert_key
from shared.admin.members import join
from shared.admin.rewrite import USERS, Edit, existing, rewrite
from shared.auth.keys import make_key
from shared.domain import Scope
from shared.errors import AlreadyExists, BadRequest, GatewayError, NotFound, NotPermitted
from shared.storage import admin_keys, admin_teams, admin_users
from shared.storage.admin_changes import insert_audit
from shared.storage.admin_keys import KeyFilter, Page
from shared.wire.admin_keys import KeyColumns
from shared.wire.admin_teams import TeamMember
from shared.wire.admin_users import (
    CreatedUser,
    UserColumns,
    UserInfo,
    UserInfoReply,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.storage.postgres import Transaction
    from shared.wire.admin_keys import GeneratedKey
    from shared.wire.admin_users import NewUser, UpdateUser, UserFields

SHOWN_AT_MOST: Final = 1_000


async def new_user(desk: Desk, caller: Caller, request: NewUser, now: Millis) -> CreatedUser:
    """Make a user, put them into their teams, and give them a key unless that is not wanted."""
    user_id = request.user_id or str(uuid.uuid4())
    columns = amended(UserColumns(), request, desk, now)
    key = _first_key(request, user_id, now) if request.auto_create_key else None
    teams = sorted(set(request.teams or []))
    entities: list[Entity] = [(Scope.USER, user_id), *((Scope.TEAM, team) for team in teams)]
    if key is not None:
        entities.append((Scope.KEY, key.token))
    async with changing(desk.stores, entities, _conflicts(request, user_id)) as transaction:
        await admin_users.insert_user(
            transaction, user_id, columns, spend=request.spend or NOTHING, by=caller.name
        )
        await _join(transaction, caller, user_id, teams)
        made = await insert_key(transaction, caller, key) if key else None
        info = await existing(transaction, USERS, user_id)
        await insert_audit(transaction, caller.audit("created", USERS.table, user_id, after=info))
    return _created(info, made)


async def update_user(desk: Desk, caller: Caller, request: UpdateUser, now: Millis) -> UserInfo:
    """Change the fields of a user that the request holds; an address alone names the user."""
    user_id = request.user_id or await _user_of(desk, request.user_email)
    await existing(desk.stores.postgres, USERS, user_id)
    edit: Edit[UserInfo] = Edit(
        entity_id=user_id,
        action="updated",
        change=lambda user: amended(user, request, desk, now).model_copy(
            update={"user_id": user_id}
        ),
        spend=request.spend,
        conflicts=_conflicts(request, user_id),
    )
    return await rewrite(desk, caller, USERS, edit, now)


async def user_info(desk: Desk, caller: Caller, user_id: str | None, now: Millis) -> UserInfoReply:
    """Tell about a user, without an id about the caller: their keys and teams as well."""
    wanted = user_id or caller.user_id
    if wanted is None or not (caller.sees_all or wanted == caller.user_id):
        raise NotPermitted("You can only see your own user.", param="user_id")
    db = desk.stores.postgres
    user = await admin_users.find_user(db, wanted)
    if user is None:
        raise NotFound(f"User {wanted} not found", param="user_id")
    keys = await admin_keys.list_keys(db, KeyFilter(user_id=wanted), Page(size=SHOWN_AT_MOST))
    teams = await admin_teams.find_teams(db, user.teams[:SHOWN_AT_MOST])
    return UserInfoReply(
        user_id=wanted,
        user_info=desk.as_of(user, now),
        keys=[desk.as_of(key, now) for key in keys],
        teams=[desk.as_of(team, now) for team in teams],
    )


def _first_key(request: NewUser, user_id: str, now: Millis) -> NewKey:
    columns = KeyColumns(
        user_id=user_id,
        key_alias=request.key_alias,
        expires=expiry(request.duration, now),
    )
    return NewKey(make_key(), columns)


async def _join(
    transaction: Transaction, caller: Caller, user_id: str, teams: Sequence[str]
) -> None:
    missing = set(teams) - set(await admin_teams.lock_teams(transaction, teams))
    if missing:
        raise BadRequest(f"Team not found, passed team id: {min(missing)}.", param="teams")
    for team_id in teams:
        await join(transaction, caller, team_id, [TeamMember(role="user", user_id=user_id)])


def _created(info: UserInfo, key: GeneratedKey | None) -> CreatedUser:
    if key is None:
        return CreatedUser(**dict(info))
    return CreatedUser(
        **dict(info),
        key=key.key,
        key_name=key.key_name,
        key_alias=key.key_alias,
        token=key.token,
        token_id=key.token_id,
        expires=key.expires,
    )


async def _user_of(desk: Desk, user_email: str | None) -> str:
    if user_email is None:
        raise BadRequest("Name the user: user_id or user_email.", param="user_id")
    known = await admin_users.find_user_ids_of_emails(desk.stores.postgres, [user_email])
    if user_email not in known:
        raise NotFound("User not found.", param="user_email")
    return known[user_email]


def _conflicts(request: UserFields, user_id: str) -> dict[str, GatewayError]:
    return {
        "litellm_usertable_pkey": AlreadyExists(
            f"User with id {user_id} already exists", param="user_id"
        ),
        "litellm_usertable_user_email_key": AlreadyExists(
            f"User with email {request.user_email} already exists", param="user_email"
        ),
        "litellm_verificationtoken_key_alias_key": BadRequest(
            "Key with that alias already exists. Unique key aliases across all keys are required.",
            param="key_alias",
        ),
    }
