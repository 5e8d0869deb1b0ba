"""The routes under /customer, which are also there as /end_user."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import customers
from shared.wire.admin_customers import (
    BlockedCustomers,
    CustomerInfo,
    DeletedCustomers,
    NameCustomers,
    NewCustomer,
    UpdateCustomer,
)
from shared.wire.admin_fields import Identifier

router = APIRouter(tags=["customers"], route_class=DocumentedRoute)


@router.post(
    "/end_user/new", openapi_extra=documented(NewCustomer), responses={200: {"model": CustomerInfo}}
)
@router.post(
    "/customer/new", openapi_extra=documented(NewCustomer), responses={200: {"model": CustomerInfo}}
)
async def new(request: Request, who: Who) -> Response:
    """Make a customer."""
    body = await asked(request, NewCustomer)
    return shown(await customers.new_customer(who.desk, who.caller, body, who.now))


@router.post(
    "/end_user/update",
    openapi_extra=documented(UpdateCustomer),
    responses={200: {"model": CustomerInfo}},
)
@router.post(
    "/customer/update",
    openapi_extra=documented(UpdateCustomer),
    responses={200: {"model": CustomerInfo}},
)
async def update(request: Request, who: Who) -> Response:
    """Change the fields of a customer that are sent."""
    body = await asked(request, UpdateCustomer)
    return shown(await customers.update_customer(who.desk, who.caller, body, who.now))


@router.post(
    "/end_user/delete",
    openapi_extra=documented(NameCustomers),
    responses={200: {"model": DeletedCustomers}},
)
@router.post(
    "/customer/delete",
    openapi_extra=documented(NameCustomers),
    responses={200: {"model": DeletedCustomers}},
)
async def delete(request: Request, who: Who) -> Response:
    """Delete customers: all of them or none."""
    body = await asked(request, NameCustomers)
    count = await customers.delete_customers(who.desk, who.caller, body)
    told = f"Successfully deleted customers with ids: {', '.join(body.user_ids)}"
    return shown(DeletedCustomers(deleted_customers=count, message=told))


@router.post(
    "/end_user/block",
    openapi_extra=documented(NameCustomers),
    responses={200: {"model": BlockedCustomers}},
)
@router.post(
    "/customer/block",
    openapi_extra=documented(NameCustomers),
    responses={200: {"model": BlockedCustomers}},
)
async def block(request: Request, who: Who) -> Response:
    """Refuse customers from their next call on."""
    body = await asked(request, NameCustomers)
    named = await customers.block_customers(who.desk, who.caller, body, blocked=True)
    return shown(BlockedCustomers(blocked_users=named))


@router.post(
    "/end_user/unblock",
    openapi_extra=documented(NameCustomers),
    responses={200: {"model": BlockedCustomers}},
)
@router.post(
    "/customer/unblock",
    openapi_extra=documented(NameCustomers),
    responses={200: {"model": BlockedCustomers}},
)
async def unblock(request: Request, who: Who) -> Response:
    """Let blocked customers in again."""
    body = await asked(request, NameCustomers)
    named = await customers.block_customers(who.desk, who.caller, body, blocked=False)
    return shown(BlockedCustomers(blocked_users=named))


@router.get("/end_user/info", responses={200: {"model": CustomerInfo}})
@router.get("/customer/info", responses={200: {"model": CustomerInfo}})
async def info(who: Who, end_user_id: Annotated[Identifier, Query()]) -> Response:
    """Show a customer."""
    return shown(await customers.customer_info(who.desk, end_user_id))


@router.get("/end_user/list", responses={200: {"model": list[CustomerInfo]}})
@router.get("/customer/list", responses={200: {"model": list[CustomerInfo]}})
async def list_(who: Who) -> Response:
    """Show the newest customers."""
    return shown(await customers.list_customers(who.desk))
