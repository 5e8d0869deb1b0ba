"""Budgets as objects, as the admin API reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.storage.admin_rows import parameters
from shared.storage.statements import load
from shared.wire.admin_budgets import BudgetColumns, BudgetInfo

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.postgres import Runs

_SQL = load("admin_budgets")


async def find_budgets(db: Runs, budget_ids: Sequence[str]) -> list[BudgetInfo]:
    """Return those of the budgets that exist, in the order of their ids."""
    rows = await db.all(_SQL["find_budgets"], budget_ids=list(budget_ids)) if budget_ids else []
    return [BudgetInfo.model_validate(row) for row in rows]


async def find_budget(db: Runs, budget_id: str | None) -> BudgetInfo | None:
    """Return a budget, None when there is none of that id."""
    found = await find_budgets(db, [budget_id]) if budget_id is not None else []
    return found[0] if found else None


async def list_budgets(db: Runs, size: int) -> list[BudgetInfo]:
    """Return the newest budgets."""
    return [BudgetInfo.model_validate(row) for row in await db.all(_SQL["list_budgets"], size=size)]


async def insert_budget(db: Runs, budget_id: str, columns: BudgetColumns, *, by: str) -> None:
    """Add a budget."""
    await db.run(_SQL["insert_budget"], **parameters(columns) | {"budget_id": budget_id, "by": by})


async def lock_budget(db: Runs, budget_id: str) -> None:
    """Hold a budget until the transaction ends."""
    await db.one(_SQL["lock_budget"], budget_id=budget_id)


async def write_budget(db: Runs, budget_id: str, columns: BudgetColumns, *, by: str) -> None:
    """Set every column an admin sets."""
    await db.run(_SQL["write_budget"], **parameters(columns) | {"budget_id": budget_id, "by": by})


async def delete_budget(db: Runs, budget_id: str) -> int:
    """Remove a budget; return how many there were of that id."""
    return await db.run(_SQL["delete_budget"], budget_id=budget_id)
