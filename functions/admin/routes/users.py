"""The routes under /user."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from functions.admin.idempotency import answer_once
from shared.admin import user_reads, users
from shared.wire.admin_fields import Identifier
from shared.wire.admin_users import (
    AVAILABLE_ROLES,
    CreatedUser,
    DeleteUsers,
    ListUsers,
    NewUser,
    RoleInfo,
    UpdatedUser,
    UpdatedUsers,
    UpdateUser,
    UpdateUsers,
    UserInfo,
    UserInfoReply,
    UserPage,
)

router = APIRouter(tags=["users"], route_class=DocumentedRoute)


@router.post(
    "/user/new", openapi_extra=documented(NewUser), responses={200: {"model": CreatedUser}}
)
async def new(request: Request, who: Who) -> Response:
    """Make a user, with a key unless `auto_create_key` is false."""
    body = await asked(request, NewUser)
    return await answer_once(
        request,
        who,
        body,
        lambda secret: users.new_user(who.desk, who.caller, body, who.now, secret=secret),
        users.known_user,
    )


@router.post(
    "/user/update", openapi_extra=documented(UpdateUser), responses={200: {"model": UpdatedUser}}
)
async def update(request: Request, who: Who) -> Response:
    """Change the fields of a user that are sent."""
    body = await asked(request, UpdateUser)
    user = await users.update_user(who.desk, who.caller, body, who.now)
    return shown(UpdatedUser(user_id=user.user_id, data=user))


@router.post(
    "/user/bulk_update",
    openapi_extra=documented(UpdateUsers),
    responses={200: {"model": UpdatedUsers}},
)
async def bulk_update(request: Request, who: Who) -> Response:
    """Change many users, each for itself."""
    body = await asked(request, UpdateUsers)
    return shown(await users.update_users(who.desk, who.caller, body, who.now))


@router.post("/user/delete", openapi_extra=documented(DeleteUsers), responses={200: {"model": int}})
async def delete(request: Request, who: Who) -> Response:
    """Delete users and their keys; answer how many users."""
    body = await asked(request, DeleteUsers)
    return shown(await users.delete_users(who.desk, who.caller, body))


@router.get("/user/info", responses={200: {"model": UserInfoReply}})
async def info(who: Who, user_id: Annotated[Identifier | None, Query()] = None) -> Response:
    """Show a user, without an id the caller, with their keys and teams."""
    return shown(await user_reads.user_info(who.desk, who.caller, user_id, who.now))


@router.get("/v2/user/info", responses={200: {"model": UserInfo}})
async def info_alone(who: Who, user_id: Annotated[Identifier | None, Query()] = None) -> Response:
    """Show a user, without an id the caller, and nothing beside."""
    return shown(await user_reads.one_user(who.desk, who.caller, user_id, who.now))


@router.get("/user/available_roles", responses={200: {"model": dict[str, RoleInfo]}})
async def available_roles(who: Who) -> Response:
    """Show the roles that a user can have."""
    del who
    return shown(AVAILABLE_ROLES)


@router.get("/user/list", responses={200: {"model": UserPage}})
async def list_(who: Who, asked_for: Annotated[ListUsers, Query()]) -> Response:
    """List users page by page."""
    return shown(await user_reads.list_users(who.desk, who.caller, asked_for, who.now))
