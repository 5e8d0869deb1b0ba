"""Make, change, delete and show organisations."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from shared.admin.budget_periods import begin_due_period
from shared.admin.budgets import link_to, no_such_budget
from shared.admin.change import changing
from shared.admin.columns import RESERVED_METADATA, filled
from shared.admin.keys import bury_keys_of
from shared.admin.permissions import Standing
from shared.admin.teams import bury_teams
from shared.domain import Scope
from shared.errors import AlreadyExists, NotFound, NotPermitted
from shared.storage import admin_keys, admin_organizations, admin_teams
from shared.storage.admin_budgets import find_budgets
from shared.storage.admin_changes import insert_audit
from shared.storage.admin_teams import TeamFilter, TeamPart
from shared.wire.admin_organizations import OrganizationColumns, OrganizationInfo, OrganizationRow

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.storage.postgres import Runs
    from shared.wire.admin_organizations import (
        DeleteOrganizations,
        NewOrganization,
        UpdateOrganization,
    )

TABLE: Final = "LiteLLM_OrganizationTable"
SHOWN_AT_MOST: Final = 1_000


async def new_organization(
    desk: Desk, caller: Caller, request: NewOrganization, now: Millis
) -> OrganizationInfo:
    """Make an organisation; its limits lie in a budget."""
    organization_id = request.organization_id or str(uuid.uuid4())
    link = link_to(request, request.budget_id)
    columns = filled(OrganizationColumns(), request).model_copy(
        update={"budget_id": link.budget_id}
    )
    conflicts = {
        "litellm_organizationtable_pkey": AlreadyExists(
            f"Organization {organization_id} already exists.", param="organization_id"
        ),
        "litellm_organizationtable_budget_id_fkey": no_such_budget(request.budget_id),
    }
    entities = [(Scope.ORG, organization_id), *link.entities]
    async with changing(desk.stores, entities, conflicts) as transaction:
        await link.write(transaction, desk, caller, now)
        await admin_organizations.insert_organization(
            transaction, organization_id, columns, by=caller.name
        )
        row = await _existing(transaction, organization_id)
        await insert_audit(transaction, caller.audit("created", TABLE, organization_id, after=row))
    return (await _shown(desk, caller, [row], now))[0]


async def update_organization(
    desk: Desk, caller: Caller, request: UpdateOrganization, now: Millis
) -> OrganizationInfo:
    """Change the fields of an organisation that the request holds."""
    organization_id = request.organization_id
    before = await own_organization(desk, caller, organization_id, request.model_fields_set)
    if not caller.is_admin and RESERVED_METADATA & (request.metadata or {}).keys():
        raise NotPermitted("You may not set limits by metadata.", param="metadata")
    wanted = request.budget_id if "budget_id" in request.model_fields_set else before.budget_id
    link = link_to(request, wanted)
    conflicts = {"litellm_organizationtable_budget_id_fkey": no_such_budget(request.budget_id)}
    entities = [(Scope.ORG, organization_id), *link.entities]
    async with changing(desk.stores, entities, conflicts) as transaction:
        await admin_organizations.lock_organizations(transaction, [organization_id])
        held = await _existing(transaction, organization_id)
        await begin_due_period(transaction, desk, held.budget_id, now)
        await link.write(transaction, desk, caller, now)
        columns = filled(held, request).model_copy(update={"budget_id": link.budget_id})
        await admin_organizations.write_organization(
            transaction, organization_id, columns, by=caller.name
        )
        if request.spend is not None:
            await admin_organizations.set_organization_spend(
                transaction, organization_id, request.spend
            )
        after = await _existing(transaction, organization_id)
        line = caller.audit("updated", TABLE, organization_id, before=held, after=after)
        await insert_audit(transaction, line)
    return (await _shown(desk, caller, [after], now))[0]


async def delete_organizations(
    desk: Desk, caller: Caller, request: DeleteOrganizations, now: Millis
) -> list[OrganizationInfo]:
    """Delete organisations with their teams and keys, all of them or none."""
    db, ids = desk.stores.postgres, sorted(set(request.organization_ids))
    rows = await admin_organizations.find_organizations(db, ids)
    before = await _shown(desk, caller, rows, now)
    team_ids = await admin_organizations.find_teams_of(db, ids)
    tokens = await admin_keys.find_tokens_of(db, team_ids=team_ids, organization_ids=ids)
    entities: list[Entity] = [
        *((Scope.ORG, one) for one in ids),
        *((Scope.TEAM, team_id) for team_id in team_ids),
        *((Scope.KEY, str(token)) for token in tokens),
    ]
    async with changing(desk.stores, entities) as transaction:
        if await admin_organizations.lock_organizations(transaction, ids) < len(ids):
            raise NotFound("Organization not found.", param="organization_ids")
        if team_ids:
            await bury_teams(transaction, caller, entities, team_ids)
        await bury_keys_of(transaction, caller, entities, organization_ids=ids)
        await admin_organizations.delete_organizations(transaction, ids)
        for row in rows:
            line = caller.audit("deleted", TABLE, row.organization_id, before=row)
            await insert_audit(transaction, line)
    return before


async def organization_info(
    desk: Desk, caller: Caller, organization_id: str, now: Millis
) -> OrganizationInfo:
    """Tell about an organisation, its teams and members."""
    found = await admin_organizations.find_organization(desk.stores.postgres, organization_id)
    if found is None and caller.sees_all:
        raise _not_found(organization_id)
    if found is None or caller.over_organization(organization_id) is None:
        raise _not_theirs(organization_id)
    return (await _shown(desk, caller, [found], now))[0]


async def list_organizations(
    desk: Desk, caller: Caller, org_alias: str | None, now: Millis
) -> list[OrganizationInfo]:
    """Tell about the organisations the caller may see."""
    known = None if caller.sees_all else [*caller.relations.organizations]
    rows = await admin_organizations.list_organizations(
        desk.stores.postgres, known, org_alias, SHOWN_AT_MOST
    )
    return await _shown(desk, caller, rows, now)


async def own_organization(
    desk: Desk, caller: Caller, organization_id: str, sent: Collection[str]
) -> OrganizationRow:
    """Return an organisation that the caller may change so; raise when there is none of theirs."""
    found = await admin_organizations.find_organization(desk.stores.postgres, organization_id)
    standing = caller.over_organization(organization_id)
    if found is None and caller.is_admin:
        raise _not_found(organization_id)
    if found is None or standing not in (Standing.PROXY_ADMIN, Standing.ORG_ADMIN):
        raise _not_theirs(organization_id)
    caller.check_fields(standing, sent)
    return found


async def _existing(db: Runs, organization_id: str) -> OrganizationRow:
    found = await admin_organizations.find_organization(db, organization_id)
    if found is None:
        raise _not_found(organization_id)
    return found


async def _shown(
    desk: Desk, caller: Caller, rows: Sequence[OrganizationRow], now: Millis
) -> list[OrganizationInfo]:
    db, ids = desk.stores.postgres, [row.organization_id for row in rows]
    linked = [row.budget_id for row in rows if row.budget_id is not None]
    budgets = {budget.budget_id: budget for budget in await find_budgets(db, linked)}
    members = await admin_organizations.find_members(db, ids, SHOWN_AT_MOST)
    team_ids = await admin_organizations.find_teams_of(db, ids)
    which = TeamFilter(team_ids=[t for t in team_ids if caller.over_team(t) is not None])
    teams = await admin_teams.list_teams(db, which, TeamPart(size=SHOWN_AT_MOST))
    runs = {
        one for one in ids if caller.sees_all or caller.over_organization(one) is Standing.ORG_ADMIN
    }
    return [
        OrganizationInfo(
            **dict(row),
            litellm_budget_table=budgets.get(row.budget_id or ""),
            members=[
                one
                for one in members
                if one.organization_id == row.organization_id
                and (row.organization_id in runs or one.user_id == caller.user_id)
            ],
            teams=[
                desk.as_of(team, now)
                for team in teams
                if team.organization_id == row.organization_id
            ],
        )
        for row in rows
    ]


def _not_found(organization_id: str) -> NotFound:
    return NotFound(
        f"Organization not found, passed organization id: {organization_id}.",
        param="organization_id",
    )


def _not_theirs(organization_id: str) -> NotPermitted:
    # The same words for one that is not there: who may not see it learns nothing.
    return NotPermitted(
        f"This organization is not yours. Requested organization={organization_id}",
        param="organization_id",
    )
