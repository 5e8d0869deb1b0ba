"""The routes under /organization."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import organization_members, organizations
from shared.wire.admin_fields import Identifier
from shared.wire.admin_organizations import (
    AddedOrganizationMembers,
    AddOrganizationMembers,
    DeleteOrganizations,
    NameOrganizationMember,
    NewOrganization,
    OrganizationInfo,
    OrganizationMember,
    UpdateOrganization,
    UpdateOrganizationMember,
)

router = APIRouter(tags=["organizations"], route_class=DocumentedRoute)


@router.post(
    "/organization/new",
    openapi_extra=documented(NewOrganization),
    responses={200: {"model": OrganizationInfo}},
)
async def new(request: Request, who: Who) -> Response:
    """Make an organisation."""
    body = await asked(request, NewOrganization)
    return shown(await organizations.new_organization(who.desk, who.caller, body, who.now))


@router.patch(
    "/organization/update",
    openapi_extra=documented(UpdateOrganization),
    responses={200: {"model": OrganizationInfo}},
)
async def update(request: Request, who: Who) -> Response:
    """Change the fields of an organisation that are sent."""
    body = await asked(request, UpdateOrganization)
    return shown(await organizations.update_organization(who.desk, who.caller, body, who.now))


@router.delete(
    "/organization/delete",
    openapi_extra=documented(DeleteOrganizations),
    responses={200: {"model": list[OrganizationInfo]}},
)
async def delete(request: Request, who: Who) -> Response:
    """Delete organisations with their teams and keys."""
    body = await asked(request, DeleteOrganizations)
    return shown(await organizations.delete_organizations(who.desk, who.caller, body, who.now))


@router.get("/organization/info", responses={200: {"model": OrganizationInfo}})
async def info(who: Who, organization_id: Annotated[Identifier, Query()]) -> Response:
    """Show an organisation with its teams and members."""
    found = await organizations.organization_info(who.desk, who.caller, organization_id, who.now)
    return shown(found)


@router.get("/organization/list", responses={200: {"model": list[OrganizationInfo]}})
async def list_(who: Who, org_alias: Annotated[Identifier | None, Query()] = None) -> Response:
    """List organisations."""
    return shown(await organizations.list_organizations(who.desk, who.caller, org_alias, who.now))


@router.post(
    "/organization/member_add",
    openapi_extra=documented(AddOrganizationMembers),
    responses={200: {"model": AddedOrganizationMembers}},
)
async def add_members(request: Request, who: Who) -> Response:
    """Put one user or several into an organisation."""
    body = await asked(request, AddOrganizationMembers)
    return shown(await organization_members.add_members(who.desk, who.caller, body, who.now))


@router.patch(
    "/organization/member_update",
    openapi_extra=documented(UpdateOrganizationMember),
    responses={200: {"model": OrganizationMember}},
)
async def update_member(request: Request, who: Who) -> Response:
    """Change what a member is in an organisation, or may spend there."""
    body = await asked(request, UpdateOrganizationMember)
    return shown(await organization_members.update_member(who.desk, who.caller, body, who.now))


@router.delete(
    "/organization/member_delete",
    openapi_extra=documented(NameOrganizationMember),
    responses={200: {"model": OrganizationMember}},
)
async def delete_member(request: Request, who: Who) -> Response:
    """Take a user out of an organisation."""
    body = await asked(request, NameOrganizationMember)
    return shown(await organization_members.delete_member(who.desk, who.caller, body))
