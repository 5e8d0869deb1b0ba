"""Put users into organisations, change what they are there, take them out."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.budgets import link_to, no_such_budget
from shared.admin.change import changing
from shared.admin.organizations import own_organization
from shared.domain import Scope
from shared.errors import AlreadyExists, BadRequest, NotFound
from shared.storage import admin_organizations, admin_users
from shared.storage.admin_changes import insert_audit
from shared.wire.admin_budgets import BudgetFields
from shared.wire.admin_organizations import AddedOrganizationMembers, OrganizationMember
from shared.wire.admin_users import UserColumns

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.storage.postgres import Runs, Transaction
    from shared.wire.admin_organizations import (
        AddOrganizationMembers,
        NameOrganizationMember,
        NewMember,
        UpdateOrganizationMember,
    )

TABLE: Final = "LiteLLM_OrganizationMembership"
MOST: Final = 10_000


async def add_members(
    desk: Desk, caller: Caller, request: AddOrganizationMembers, now: Millis
) -> AddedOrganizationMembers:
    """Put one user or several into an organisation, all of them or none."""
    organization_id = request.organization_id
    await own_organization(desk, caller, organization_id, request.model_fields_set)
    asked = request.member if isinstance(request.member, list) else [request.member]
    named = [(await _id_of(desk, member), member) for member in asked]
    link = link_to(_limits(request), None)
    entities: list[Entity] = [
        *((Scope.USER, user_id) for user_id, _ in named),
        *link.entities,
    ]
    conflicts = {
        "litellm_organizationmembership_pkey": AlreadyExists(
            "User is already a member of the organization.", param="member"
        ),
        "litellm_usertable_user_email_key": AlreadyExists(
            "A member's address belongs to another user.", param="member"
        ),
    }
    async with changing(desk.stores, entities, conflicts) as transaction:
        await link.write(transaction, desk, caller, now)
        for user_id, member in named:
            await _ensure(transaction, caller, user_id, member)
            await admin_organizations.insert_members(
                transaction, organization_id, [user_id], role=member.role, budget_id=link.budget_id
            )
            after = await _membership(transaction, organization_id, user_id)
            line = caller.audit("created", TABLE, f"{organization_id}/{user_id}", after=after)
            await insert_audit(transaction, line)
    user_ids = [user_id for user_id, _ in named]
    members = await admin_organizations.find_members(desk.stores.postgres, [organization_id], MOST)
    return AddedOrganizationMembers(
        organization_id=organization_id,
        updated_users=await admin_users.find_users(desk.stores.postgres, user_ids),
        updated_organization_memberships=[one for one in members if one.user_id in user_ids],
    )


async def update_member(
    desk: Desk, caller: Caller, request: UpdateOrganizationMember, now: Millis
) -> OrganizationMember:
    """Change what a member is in an organisation, or may spend there."""
    organization_id = request.organization_id
    await own_organization(desk, caller, organization_id, request.model_fields_set)
    user_id = await _named(desk, request)
    before = await _membership(desk.stores.postgres, organization_id, user_id)
    link = link_to(_limits(request), before.budget_id)
    conflicts = {"litellm_organizationmembership_budget_id_fkey": no_such_budget(link.budget_id)}
    async with changing(desk.stores, link.entities, conflicts) as transaction:
        await link.write(transaction, desk, caller, now)
        await admin_organizations.write_member(
            transaction,
            organization_id,
            user_id,
            role=request.role or before.user_role,
            budget_id=link.budget_id,
        )
        after = await _membership(transaction, organization_id, user_id)
        name = f"{organization_id}/{user_id}"
        line = caller.audit("updated", TABLE, name, before=before, after=after)
        await insert_audit(transaction, line)
    return after


async def delete_member(
    desk: Desk, caller: Caller, request: NameOrganizationMember
) -> OrganizationMember:
    """Take a user out of an organisation."""
    organization_id = request.organization_id
    await own_organization(desk, caller, organization_id, request.model_fields_set)
    user_id = await _named(desk, request)
    before = await _membership(desk.stores.postgres, organization_id, user_id)
    async with changing(desk.stores, []) as transaction:
        await admin_organizations.delete_member(transaction, organization_id, user_id)
        line = caller.audit("deleted", TABLE, f"{organization_id}/{user_id}", before=before)
        await insert_audit(transaction, line)
    return before


def _limits(request: AddOrganizationMembers | UpdateOrganizationMember) -> BudgetFields:
    if request.max_budget_in_organization is None:
        return BudgetFields()
    return BudgetFields.model_construct(
        _fields_set={"max_budget"}, max_budget=request.max_budget_in_organization
    )


async def _id_of(desk: Desk, member: NewMember) -> str:
    if member.user_id is not None:
        return member.user_id
    emails = [member.user_email or ""]
    known = await admin_users.find_user_ids_of_emails(desk.stores.postgres, emails)
    return known.get(member.user_email or "") or str(uuid.uuid4())


async def _ensure(
    transaction: Transaction, caller: Caller, user_id: str, member: NewMember
) -> None:
    if await admin_users.find_user(transaction, user_id) is not None:
        return
    columns = UserColumns(user_email=member.user_email)
    await admin_users.insert_user(transaction, user_id, columns, spend=Decimal(0), by=caller.name)


async def _named(desk: Desk, request: NameOrganizationMember) -> str:
    if request.user_id is not None:
        return request.user_id
    if request.user_email is None:
        raise BadRequest("Name the member: user_id or user_email.", param="user_id")
    known = await admin_users.find_user_ids_of_emails(desk.stores.postgres, [request.user_email])
    if request.user_email not in known:
        raise _no_member()
    return known[request.user_email]


async def _membership(db: Runs, organization_id: str, user_id: str) -> OrganizationMember:
    members = await admin_organizations.find_members(db, [organization_id], MOST)
    for member in members:
        if member.user_id == user_id:
            return member
    raise _no_member()


def _no_member() -> NotFound:
    return NotFound("User is not a member of the organization.", param="user_id")
