"""The routes under /budget."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from functions.admin.bodies import asked, documented, shown
from functions.admin.caller import Who
from functions.admin.documented import DocumentedRoute
from shared.admin import budgets
from shared.wire.admin_budgets import (
    BudgetInfo,
    BudgetSetting,
    NameBudget,
    NameBudgets,
    NewBudget,
    UpdateBudget,
)
from shared.wire.admin_fields import Identifier

router = APIRouter(tags=["budgets"], route_class=DocumentedRoute)


@router.post(
    "/budget/new", openapi_extra=documented(NewBudget), responses={200: {"model": BudgetInfo}}
)
async def new(request: Request, who: Who) -> Response:
    """Make a budget that others can link to."""
    body = await asked(request, NewBudget)
    return shown(await budgets.new_budget(who.desk, who.caller, body, who.now))


@router.post(
    "/budget/update",
    openapi_extra=documented(UpdateBudget),
    responses={200: {"model": BudgetInfo}},
)
async def update(request: Request, who: Who) -> Response:
    """Change the fields of a budget that are sent."""
    body = await asked(request, UpdateBudget)
    return shown(await budgets.update_budget(who.desk, who.caller, body, who.now))


@router.post(
    "/budget/info",
    openapi_extra=documented(NameBudgets),
    responses={200: {"model": list[BudgetInfo]}},
)
async def info(request: Request, who: Who) -> Response:
    """Show those of the budgets that there are."""
    return shown(await budgets.budget_infos(who.desk, await asked(request, NameBudgets)))


@router.get("/budget/list", responses={200: {"model": list[BudgetInfo]}})
async def list_(who: Who) -> Response:
    """Show the newest budgets."""
    return shown(await budgets.list_budgets(who.desk))


@router.get("/budget/settings", responses={200: {"model": list[BudgetSetting]}})
async def settings(who: Who, budget_id: Annotated[Identifier, Query()]) -> Response:
    """Describe the fields of a budget."""
    return shown(await budgets.budget_settings(who.desk, budget_id))


@router.post(
    "/budget/delete", openapi_extra=documented(NameBudget), responses={200: {"model": BudgetInfo}}
)
async def delete(request: Request, who: Who) -> Response:
    """Delete a budget that nothing links to."""
    body = await asked(request, NameBudget)
    return shown(await budgets.delete_budget(who.desk, who.caller, body))
