"""Organisations and their members as the admin API reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.storage.admin_rows import parameters
from shared.storage.statements import load
from shared.wire.admin_organizations import (
    OrganizationColumns,
    OrganizationMember,
    OrganizationRow,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from shared.storage.postgres import Runs

_SQL = load("admin_organizations")


async def find_organizations(db: Runs, organization_ids: Sequence[str]) -> list[OrganizationRow]:
    """Return those of the organisations that exist, in the order of their ids."""
    rows = await db.all(_SQL["find_organizations"], organization_ids=list(organization_ids))
    return [OrganizationRow.model_validate(row) for row in rows]


async def find_organization(db: Runs, organization_id: str) -> OrganizationRow | None:
    """Return an organisation, None when there is none of that id."""
    found = await find_organizations(db, [organization_id])
    return found[0] if found else None


async def list_organizations(
    db: Runs, organization_ids: Sequence[str] | None, org_alias: str | None, size: int
) -> list[OrganizationRow]:
    """Return the newest of the organisations, or of all when none are named."""
    ids = None if organization_ids is None else list(organization_ids)
    rows = await db.all(
        _SQL["list_organizations"], organization_ids=ids, org_alias=org_alias, size=size
    )
    return [OrganizationRow.model_validate(row) for row in rows]


async def insert_organization(
    db: Runs, organization_id: str, columns: OrganizationColumns, *, by: str
) -> None:
    """Add an organisation."""
    named = {"organization_id": organization_id, "by": by}
    await db.run(_SQL["insert_organization"], **parameters(columns) | named)


async def lock_organizations(db: Runs, organization_ids: Sequence[str]) -> int:
    """Hold organisations until the transaction ends; return how many are there."""
    ids = list(organization_ids)
    return len(await db.all(_SQL["lock_organizations"], organization_ids=ids))


async def write_organization(
    db: Runs, organization_id: str, columns: OrganizationColumns, *, by: str
) -> None:
    """Set every column an admin sets."""
    named = {"organization_id": organization_id, "by": by}
    await db.run(_SQL["write_organization"], **parameters(columns) | named)


async def set_organization_spend(db: Runs, organization_id: str, spend: Decimal) -> None:
    """Start a period by hand, with so much already spent."""
    await db.run(_SQL["set_organization_spend"], organization_id=organization_id, spend=spend)


async def delete_organizations(db: Runs, organization_ids: Sequence[str]) -> None:
    """Remove organisations with everybody's place in them."""
    ids = list(organization_ids)
    await db.run(_SQL["delete_memberships_of_organizations"], organization_ids=ids)
    await db.run(_SQL["delete_organizations"], organization_ids=ids)


async def find_teams_of(db: Runs, organization_ids: Sequence[str]) -> list[str]:
    """Return the teams of organisations."""
    rows = await db.all(
        _SQL["find_teams_of_organizations"], organization_ids=list(organization_ids)
    )
    return [str(row["team_id"]) for row in rows]


async def find_members(
    db: Runs, organization_ids: Sequence[str], size: int
) -> list[OrganizationMember]:
    """Return who belongs to organisations."""
    rows = await db.all(
        _SQL["find_organization_members"], organization_ids=list(organization_ids), size=size
    )
    return [OrganizationMember.model_validate(row) for row in rows]


async def insert_members(
    db: Runs,
    organization_id: str,
    user_ids: Sequence[str],
    *,
    role: str,
    budget_id: str | None = None,
) -> None:
    """Put users into an organisation."""
    await db.run(
        _SQL["insert_organization_members"],
        organization_id=organization_id,
        user_ids=list(user_ids),
        role=role,
        budget_id=budget_id,
    )


async def write_member(
    db: Runs, organization_id: str, user_id: str, *, role: str | None, budget_id: str | None
) -> None:
    """Set what an admin sets of a membership."""
    await db.run(
        _SQL["write_organization_member"],
        organization_id=organization_id,
        user_id=user_id,
        role=role,
        budget_id=budget_id,
    )


async def delete_member(db: Runs, organization_id: str, user_id: str) -> int:
    """Take a user out of an organisation; return how many were in it."""
    return await db.run(
        _SQL["delete_organization_member"], organization_id=organization_id, user_id=user_id
    )
