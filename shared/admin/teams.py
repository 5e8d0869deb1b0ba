"""Make, change, block and delete teams; reading them is in team_reads.py."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Final, TypeVar

from shared.admin.budgets import insert_budget, rewrite_budget
from shared.admin.change import changing
from shared.admin.columns import amended, guarded
from shared.admin.keys import bury_keys_of
from shared.admin.members import first_members, ids_of, join, member_entity
from shared.admin.newcomers import new_team_of
from shared.admin.permissions import Standing
from shared.admin.rewrite import TEAMS, Edit, existing, rewrite
from shared.auth.authenticate import MASTER_USER_ID
from shared.domain import Scope
from shared.errors import AlreadyExists, BadRequest, GatewayError, NotFound, NotPermitted
from shared.storage import admin_keys, admin_organizations, admin_teams, admin_users
from shared.storage.admin_changes import insert_audit
from shared.storage.spend_reports import ids_after
from shared.wire.admin_budgets import BudgetFields
from shared.wire.admin_teams import TeamColumns, TeamInfo

if TYPE_CHECKING:
    from collections.abc import Collection

    from pydantic import JsonValue

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.storage.postgres import Runs, Transaction
    from shared.wire.admin_teams import (
        DeleteTeams,
        ManyTeamPermissions,
        NameTeam,
        NewTeam,
        TeamFields,
        TeamModels,
        TeamPermissions,
    )

AT_ONCE: Final = 500

OfTeam = TypeVar("OfTeam", bound=TeamColumns)

MEMBER_BUDGET: Final = "team_member_budget_id"
"""Where a team's metadata says which budget members share who have none of their own (LiteLLM)."""


async def new_team(desk: Desk, caller: Caller, request: NewTeam, now: Millis) -> TeamInfo:
    """Make a team with its members."""
    if not caller.is_admin:
        _check_made_by_organization(caller, request)
    team_id = request.team_id or str(uuid.uuid4())
    members = await first_members(desk.stores.postgres, caller, request.members_with_roles or [])
    budget = member_budget(request)
    budget_id = str(uuid.uuid4()) if budget is not None else None
    columns = _linked(amended(TeamColumns(), new_team_of(desk, request), desk, now), budget_id)
    spend, user_ids = request.spend or Decimal(0), ids_of(members)
    entities: list[Entity] = [
        (Scope.TEAM, team_id),
        *((Scope.USER, user_id) for user_id in user_ids),
        *_entities_of(team_id, user_ids, budget_id),
    ]
    async with changing(desk.stores, entities, _conflicts(team_id)) as transaction:
        await check_organization(transaction, request.organization_id)
        if budget is not None and budget_id is not None:
            await insert_budget(transaction, desk, caller, (budget_id, budget), now)
        await admin_teams.insert_team(transaction, team_id, columns, spend=spend, by=caller.name)
        await join(transaction, caller, team_id, members, budget_id=budget_id)
        info = await existing(transaction, TEAMS, team_id)
        await insert_audit(transaction, caller.audit("created", TEAMS.table, team_id, after=info))
    return info


async def update_team(
    desk: Desk, caller: Caller, team_id: str, request: TeamFields, now: Millis
) -> TeamInfo:
    """Change the fields of a team that the request holds."""
    before = await own_team(desk, caller, team_id, request.model_fields_set)
    if not caller.is_admin and request.organization_id not in (None, before.organization_id):
        _check_organization_is_run(caller, request.organization_id)
    budget = member_budget(request)
    budget_id = str(before.metadata.get(MEMBER_BUDGET) or uuid.uuid4()) if budget else None

    def change(team: TeamInfo) -> TeamInfo:
        after = amended(team, request, desk, now)
        return _linked(after if caller.is_admin else guarded(team, after, request), budget_id)

    async def then(transaction: Transaction, team: TeamInfo) -> str:
        await check_organization(transaction, request.organization_id)
        if budget is not None and budget_id is not None:
            named = (budget_id, budget)
            if team.metadata.get(MEMBER_BUDGET) == budget_id:
                await rewrite_budget(transaction, desk, caller, named, now)
            else:
                await insert_budget(transaction, desk, caller, named, now)
            await admin_teams.link_memberships(transaction, team_id, budget_id)
        return team_id

    users = ids_of(before.members_with_roles) if budget else []
    edit: Edit[TeamInfo] = Edit(
        entity_id=team_id,
        action="updated",
        change=change,
        spend=request.spend,
        beside=tuple(_entities_of(team_id, users, budget_id)),
        then=then,
    )
    return await rewrite(desk, caller, TEAMS, edit, now)


async def block_team(
    desk: Desk, caller: Caller, request: NameTeam, now: Millis, *, blocked: bool
) -> TeamInfo:
    """Block all keys of a team from the next request on, or let them in again: one write."""
    await own_team(desk, caller, request.team_id, request.model_fields_set)
    edit: Edit[TeamInfo] = Edit(
        entity_id=request.team_id,
        action="blocked" if blocked else "unblocked",
        change=lambda team: team.model_copy(update={"blocked": blocked}),
    )
    return await rewrite(desk, caller, TEAMS, edit, now)


async def change_models(
    desk: Desk, caller: Caller, request: TeamModels, now: Millis, *, is_added: bool
) -> TeamInfo:
    """Let a team call more models, or fewer."""
    await own_team(desk, caller, request.team_id, request.model_fields_set)

    def change(team: TeamInfo) -> TeamInfo:
        kept = [model for model in team.models if model not in request.models]
        models = list(dict.fromkeys([*team.models, *request.models])) if is_added else kept
        if team.models and not models:
            # An empty list would let it call everything.
            raise BadRequest("A team must keep a model; update its models instead.", param="models")
        return team.model_copy(update={"models": models})

    edit: Edit[TeamInfo] = Edit(entity_id=request.team_id, action="updated", change=change)
    return await rewrite(desk, caller, TEAMS, edit, now)


async def update_permissions(
    desk: Desk, caller: Caller, request: TeamPermissions, now: Millis
) -> TeamInfo:
    """Say what all members may do with the keys of a team."""
    await own_team(desk, caller, request.team_id, request.model_fields_set)
    permissions = list(dict.fromkeys(request.team_member_permissions))
    edit: Edit[TeamInfo] = Edit(
        entity_id=request.team_id,
        action="updated",
        change=lambda team: team.model_copy(update={"team_member_permissions": permissions}),
    )
    return await rewrite(desk, caller, TEAMS, edit, now)


async def add_permissions(
    desk: Desk, caller: Caller, request: ManyTeamPermissions, now: Millis
) -> int:
    """Let the members of many teams do more with their keys; return how many teams."""
    if (request.team_ids is not None) == request.apply_to_all_teams:
        raise BadRequest("Give either team_ids or apply_to_all_teams.", param="team_ids")
    team_ids = sorted(set(request.team_ids or await _every_team(desk)))
    for team_id in team_ids:
        edit: Edit[TeamInfo] = Edit(
            entity_id=team_id,
            action="updated",
            change=lambda team: team.model_copy(
                update={
                    "team_member_permissions": list(
                        dict.fromkeys([*team.team_member_permissions, *request.permissions])
                    )
                }
            ),
        )
        await rewrite(desk, caller, TEAMS, edit, now)
    return len(team_ids)


async def _every_team(desk: Desk) -> list[str]:
    found: list[str] = []
    while more := await ids_after(
        desk.stores.postgres, "team", found[-1] if found else "", AT_ONCE
    ):
        found += more
    return found


async def delete_teams(desk: Desk, caller: Caller, request: DeleteTeams) -> list[str]:
    """Delete teams, all of them or none; their keys die with them."""
    team_ids = sorted(set(request.team_ids))
    for team_id in team_ids:
        await own_team(desk, caller, team_id, request.model_fields_set)
    db = desk.stores.postgres
    tokens = await admin_keys.find_tokens_of(db, team_ids=team_ids)
    user_ids = await admin_teams.find_members_of_teams(db, team_ids)
    entities: list[Entity] = [
        *((Scope.TEAM, team_id) for team_id in team_ids),
        *((Scope.KEY, str(token)) for token in tokens),
        *((Scope.USER, user_id) for user_id in ids_of_users(user_ids)),
        *(one for team_id in team_ids for one in _entities_of(team_id, user_ids, None)),
    ]
    async with changing(desk.stores, entities) as transaction:
        await bury_teams(transaction, caller, entities, team_ids)
    return request.team_ids


async def bury_teams(
    transaction: Transaction, caller: Caller, entities: list[Entity], team_ids: list[str]
) -> None:
    """Delete teams with their keys within a change."""
    if await admin_teams.lock_doomed_teams(transaction, team_ids) < len(team_ids):
        raise NotFound(f"Team not found, passed team ids: {', '.join(team_ids)}.", param="team_ids")
    doomed = await admin_teams.find_teams(transaction, team_ids)
    await bury_keys_of(transaction, caller, entities, team_ids=team_ids)
    members = await admin_teams.find_members_of_teams(transaction, team_ids)
    await admin_users.forget_teams(transaction, members, team_ids)
    await admin_teams.delete_teams(transaction, team_ids)
    for team in doomed:
        line = caller.audit("deleted", TEAMS.table, team.team_id, before=team)
        await insert_audit(transaction, line)


async def own_team(desk: Desk, caller: Caller, team_id: str, sent: Collection[str]) -> TeamInfo:
    """Return a team that the caller may change so; raise when it is not there or a stranger's."""
    team = await admin_teams.find_team(desk.stores.postgres, team_id)
    if team is None and caller.is_admin:
        raise NotFound(f"Team not found, passed team id: {team_id}.", param="team_id")
    standing = caller.over_team(team_id)
    if team is None or standing is None:
        # The same words for a team that is not there: who may not change it learns nothing.
        raise NotPermitted(
            f"You are not an admin of this team. Requested team={team_id}", param="team_id"
        )
    caller.check_fields(standing, sent)
    return team


async def check_organization(db: Runs, organization_id: str | None) -> None:
    """Raise BadRequest when an organisation is named that is not there."""
    if organization_id is None:
        return
    if await admin_organizations.find_organization(db, organization_id) is None:
        raise BadRequest(
            f"Organization not found, passed organization id: {organization_id}.",
            param="organization_id",
        )


def member_budget(request: TeamFields) -> BudgetFields | None:
    """Return the budget that members share who have none of their own, if it is to be set."""
    columns = {
        "team_member_budget": "max_budget",
        "team_member_budget_duration": "budget_duration",
        "team_member_rpm_limit": "rpm_limit",
        "team_member_tpm_limit": "tpm_limit",
    }
    sent = {
        column: getattr(request, name)
        for name, column in columns.items()
        if name in request.model_fields_set
    }
    # Checked already, under their own names.
    return BudgetFields.model_construct(_fields_set=set(sent), **sent) if sent else None


def ids_of_users(user_ids: Collection[str]) -> list[str]:
    """Leave out the master key, which is a member without a row."""
    return [user_id for user_id in user_ids if user_id != MASTER_USER_ID]


def _linked(columns: OfTeam, budget_id: str | None) -> OfTeam:
    if budget_id is None:
        return columns
    metadata: dict[str, JsonValue] = {**columns.metadata, MEMBER_BUDGET: budget_id}
    return columns.model_copy(update={"metadata": metadata})


def _entities_of(team_id: str, user_ids: Collection[str], budget_id: str | None) -> list[Entity]:
    budget: list[Entity] = [(Scope.BUDGET, budget_id)] if budget_id is not None else []
    return [*budget, *(member_entity(team_id, user_id) for user_id in user_ids)]


def _check_made_by_organization(caller: Caller, request: NewTeam) -> None:
    _check_organization_is_run(caller, request.organization_id)
    given = {name for name in request.model_fields_set if getattr(request, name) is not None}
    caller.check_fields(Standing.ORG_ADMIN, given)


def _check_organization_is_run(caller: Caller, organization_id: str | None) -> None:
    if organization_id not in caller.relations.run_organizations:
        raise NotPermitted(
            "You can only make teams of your own organizations.", param="organization_id"
        )


def _conflicts(team_id: str) -> dict[str, GatewayError]:
    return {
        "litellm_teamtable_pkey": BadRequest(
            f"Team id = {team_id} already exists. Please use a different team id.",
            param="team_id",
        ),
        "litellm_usertable_user_email_key": AlreadyExists(
            "A member's address belongs to another user.", param="members_with_roles"
        ),
    }
