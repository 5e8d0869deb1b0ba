"""Customers as the admin API reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.storage.admin_budgets import find_budgets
from shared.storage.admin_rows import parameters
from shared.storage.statements import load
from shared.wire.admin_customers import CustomerColumns, CustomerInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from shared.storage.driver import Row
    from shared.storage.postgres import Runs

_SQL = load("admin_customers")


async def find_customers(db: Runs, user_ids: Sequence[str]) -> list[CustomerInfo]:
    """Return those of the customers that exist, in alphabetical order."""
    return await _with_budgets(db, await db.all(_SQL["find_customers"], user_ids=list(user_ids)))


async def find_customer(db: Runs, user_id: str) -> CustomerInfo | None:
    """Return a customer, None when there is none of that name."""
    found = await find_customers(db, [user_id])
    return found[0] if found else None


async def list_customers(db: Runs, size: int) -> list[CustomerInfo]:
    """Return the newest customers."""
    return await _with_budgets(db, await db.all(_SQL["list_customers"], size=size))


async def insert_customer(
    db: Runs, user_id: str, columns: CustomerColumns, *, spend: Decimal
) -> None:
    """Add a customer."""
    named = {"user_id": user_id, "spend": spend}
    await db.run(_SQL["insert_customer"], **parameters(columns) | named)


async def lock_customers(db: Runs, user_ids: Sequence[str]) -> int:
    """Hold customers until the transaction ends; return how many are there."""
    return len(await db.all(_SQL["lock_customers"], user_ids=list(user_ids)))


async def write_customer(db: Runs, user_id: str, columns: CustomerColumns) -> None:
    """Set every column an admin sets."""
    named = {"user_id": user_id}
    await db.run(_SQL["write_customer"], **parameters(columns) | named)


async def set_customer_spend(db: Runs, user_id: str, spend: Decimal) -> None:
    """Start a period by hand, with so much already spent."""
    await db.run(_SQL["set_customer_spend"], user_id=user_id, spend=spend)


async def delete_customers(db: Runs, user_ids: Sequence[str]) -> None:
    """Remove customers."""
    await db.run(_SQL["delete_customers"], user_ids=list(user_ids))


async def _with_budgets(db: Runs, rows: Sequence[Row]) -> list[CustomerInfo]:
    found = [CustomerInfo.model_validate(row) for row in rows]
    linked = sorted({one.budget_id for one in found if one.budget_id is not None})
    budgets = {budget.budget_id: budget for budget in await find_budgets(db, linked)}
    return [
        one.model_copy(update={"litellm_budget_table": budgets.get(one.budget_id or "")})
        for one in found
    ]
