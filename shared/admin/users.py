"""Make, change and delete users; reading them is in user_reads.py."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from shared.admin.budgets import insert_budget
from shared.admin.change import changing
from shared.admin.columns import amended, guarded
from shared.admin.desk import expiry
from shared.admin.keys import NOTHING, NewKey, bury_keys_of, insert_key, known_key
from shared.admin.members import join, member_entity
from shared.admin.newcomers import new_user_of
from shared.admin.permissions import Standing
from shared.admin.rewrite import USERS, Edit, existing, rewrite
from shared.auth.keys import make_key
from shared.domain import Role, Scope
from shared.errors import (
    AlreadyExists,
    BadRequest,
    GatewayError,
    NotFound,
    NotPermitted,
    Refused,
)
from shared.storage import admin_keys, admin_organizations, admin_teams, admin_users
from shared.storage.admin_changes import insert_audit
from shared.storage.spend_reports import ids_after
from shared.wire.admin_budgets import BudgetFields
from shared.wire.admin_fields import MAX_AT_ONCE
from shared.wire.admin_keys import KeyColumns
from shared.wire.admin_teams import TeamMember
from shared.wire.admin_users import (
    CreatedUser,
    UpdatedUsers,
    UpdateUser,
    UserColumns,
    UserInfo,
    UserResult,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.storage.postgres import Transaction
    from shared.wire.admin_keys import GeneratedKey
    from shared.wire.admin_users import (
        DeleteUsers,
        NewUser,
        TeamOfUser,
        UpdateUsers,
        UserFields,
    )


async def known_user(desk: Desk, plaintext: str) -> CreatedUser | None:
    """Show a user that was made with this key, None when there is none."""
    key = await known_key(desk, plaintext)
    if key is None or key.user_id is None:
        return None
    return _created(await existing(desk.stores.postgres, USERS, key.user_id), key)


async def new_user(
    desk: Desk, caller: Caller, request: NewUser, now: Millis, *, secret: str | None = None
) -> CreatedUser:
    """Make a user, put them into their teams, and give them a key unless that is not wanted."""
    user_id = request.user_id or str(uuid.uuid4())
    columns = amended(UserColumns(), new_user_of(desk, request), desk, now)
    organizations = sorted(set(request.organizations or []))
    if not caller.is_admin:
        _check_made_by_organization(caller, request, organizations)
    key = (
        _first_key(request, user_id, secret or make_key(), now) if request.auto_create_key else None
    )
    teams = [_in_team(team) for team in _teams_of(request)]
    places = {place.team_id: place for place in teams}
    entities: list[Entity] = [
        (Scope.USER, user_id),
        *((Scope.TEAM, team_id) for team_id in places),
        *((Scope.BUDGET, place.budget_id) for place in teams if place.budget is not None),
    ]
    if key is not None:
        entities.append((Scope.KEY, key.token))
    async with changing(desk.stores, entities, _conflicts(request, user_id)) as transaction:
        await admin_users.insert_user(
            transaction, user_id, columns, spend=request.spend or NOTHING, by=caller.name
        )
        await _join(transaction, desk, caller, user_id, places, now)
        if await admin_organizations.lock_organizations(transaction, organizations) < len(
            organizations
        ):
            raise BadRequest("Organization not found.", param="organizations")
        for organization_id in organizations:
            await admin_organizations.insert_members(
                transaction, organization_id, [user_id], role=columns.user_role
            )
        made = await insert_key(transaction, caller, key) if key else None
        info = await existing(transaction, USERS, user_id)
        await insert_audit(transaction, caller.audit("created", USERS.table, user_id, after=info))
    return _created(info, made)


async def update_user(desk: Desk, caller: Caller, request: UpdateUser, now: Millis) -> UserInfo:
    """Change the fields of a user that the request holds; an address alone names the user."""
    user_id = request.user_id or await _user_of(desk, request.user_email)
    if not caller.is_admin:
        is_own = caller.user_id is not None and user_id == caller.user_id
        caller.check_fields(caller.standing if is_own else None, request.model_fields_set)
    await existing(desk.stores.postgres, USERS, user_id)

    def change(user: UserInfo) -> UserInfo:
        after = amended(user, request, desk, now).model_copy(update={"user_id": user_id})
        return after if caller.is_admin else guarded(user, after, request)

    edit: Edit[UserInfo] = Edit(
        entity_id=user_id,
        action="updated",
        change=change,
        spend=request.spend,
        conflicts=_conflicts(request, user_id),
    )
    return await rewrite(desk, caller, USERS, edit, now)


async def update_users(
    desk: Desk, caller: Caller, request: UpdateUsers, now: Millis
) -> UpdatedUsers:
    """Change many users, each for itself: what is refused for one is told beside the others."""
    results: list[UserResult] = []
    for one in request.users or await _all_users(desk, request):
        updated, error = None, None
        try:
            updated = await update_user(desk, caller, one, now)
        except Refused as refused:
            error = refused.message
        results.append(
            UserResult(
                user_id=updated.user_id if updated else one.user_id,
                user_email=updated.user_email if updated else one.user_email,
                success=updated is not None,
                error=error,
                updated_user=updated,
            )
        )
    done = sum(result.success for result in results)
    return UpdatedUsers(
        results=results,
        total_requested=len(results),
        successful_updates=done,
        failed_updates=len(results) - done,
    )


async def _all_users(desk: Desk, request: UpdateUsers) -> list[UpdateUser]:
    user_ids = await ids_after(desk.stores.postgres, "user", "", MAX_AT_ONCE + 1)
    if len(user_ids) > MAX_AT_ONCE:
        raise BadRequest(
            f"There are more than {MAX_AT_ONCE} users: name so many at once in `users`.",
            param="all_users",
        )
    changes = request.user_updates or UpdateUser()
    return [changes.model_copy(update={"user_id": user_id}) for user_id in user_ids]


async def delete_users(desk: Desk, caller: Caller, request: DeleteUsers) -> int:
    """Delete users, all of them or none; their keys die with them."""
    db, user_ids = desk.stores.postgres, sorted(set(request.user_ids))
    tokens = await admin_keys.find_tokens_of(db, user_ids=user_ids)
    team_ids = await admin_users.find_teams_of_users(db, user_ids)
    entities: list[Entity] = [
        *((Scope.USER, user_id) for user_id in user_ids),
        *((Scope.KEY, str(token)) for token in tokens),
        *((Scope.TEAM, team_id) for team_id in team_ids),
        *(member_entity(team_id, user_id) for user_id in user_ids for team_id in team_ids),
    ]
    async with changing(desk.stores, entities) as transaction:
        await admin_teams.lock_teams(transaction, team_ids)
        if await admin_users.lock_doomed_users(transaction, user_ids) < len(user_ids):
            missing = await _missing(desk, user_ids)
            raise NotFound(f"User not found, passed user_id={missing}", param="user_ids")
        doomed = await admin_users.find_users(transaction, user_ids)
        await bury_keys_of(transaction, caller, entities, user_ids=user_ids)
        await admin_users.delete_users(transaction, user_ids, team_ids)
        for user in doomed:
            line = caller.audit("deleted", USERS.table, user.user_id, before=user)
            await insert_audit(transaction, line)
    return len(user_ids)


def _first_key(request: NewUser, user_id: str, plaintext: str, now: Millis) -> NewKey:
    columns = KeyColumns(
        user_id=user_id,
        team_id=request.team_id,
        # The user's own list says nothing about a key of a team.
        models=(request.models or []) if request.team_id else [],
        key_alias=request.key_alias,
        expires=expiry(request.duration, now),
        aliases=request.aliases or {},
        config=request.config or {},
        permissions=request.permissions or {},
        allowed_cache_controls=request.allowed_cache_controls or [],
    )
    return NewKey(plaintext, columns)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a new user goes, and with what budget of their own."""

    team_id: str
    role: Literal["user", "admin"] = "user"
    budget: BudgetFields | None = None
    budget_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def _teams_of(request: NewUser) -> list[str | TeamOfUser]:
    """Return the teams to join; what is said of one beside `team_id` holds."""
    first = [] if request.team_id is None else [request.team_id]
    return [*first, *(request.teams or [])]


def _in_team(asked: str | TeamOfUser) -> _Place:
    if isinstance(asked, str):
        return _Place(asked)
    limit = asked.max_budget_in_team
    # Checked already, under its own name.
    budget = BudgetFields.model_construct(_fields_set={"max_budget"}, max_budget=limit)
    return _Place(asked.team_id, asked.user_role, None if limit is None else budget)


async def _join(
    transaction: Transaction,
    desk: Desk,
    caller: Caller,
    user_id: str,
    places: Mapping[str, _Place],
    now: Millis,
) -> None:
    team_ids = sorted(places)
    missing = places.keys() - set(await admin_teams.lock_teams(transaction, team_ids))
    if missing:
        raise BadRequest(f"Team not found, passed team id: {min(missing)}.", param="teams")
    for team_id in team_ids:
        place = places[team_id]
        budget_id = None
        if place.budget is not None:
            budget_id = place.budget_id
            await insert_budget(transaction, desk, caller, (budget_id, place.budget), now)
        member = TeamMember(role=place.role, user_id=user_id)
        await join(transaction, caller, team_id, [member], budget_id=budget_id)


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
        "litellm_usertable_sso_user_id_key": AlreadyExists(
            "That sso_user_id belongs to another user.", param="sso_user_id"
        ),
        "litellm_verificationtoken_key_alias_key": BadRequest(
            "Key with that alias already exists. Unique key aliases across all keys are required.",
            param="key_alias",
        ),
    }


def _check_made_by_organization(
    caller: Caller, request: NewUser, organizations: Sequence[str]
) -> None:
    """Let an organisation's admin make users of it, who are no more than users."""
    run = caller.relations.run_organizations
    if not organizations or not run.issuperset(organizations):
        raise NotPermitted(
            "You can only make users of your own organizations.", param="organizations"
        )
    given = {name for name in request.model_fields_set if getattr(request, name) is not None}
    caller.check_fields(Standing.ORG_ADMIN, given)
    if request.user_role in (Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER):
        raise NotPermitted("You cannot make an admin of the proxy.", param="user_role")
    if not all(caller.runs_team(_in_team(team).team_id) for team in _teams_of(request)):
        raise NotPermitted("You can only use teams of your own organizations.", param="teams")


async def _missing(desk: Desk, user_ids: Sequence[str]) -> str:
    found = await admin_users.find_users(desk.stores.postgres, user_ids)
    return min(set(user_ids) - {user.user_id for user in found}, default="")
