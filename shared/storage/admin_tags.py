"""Tags as the admin API reads and writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.storage.admin_budgets import find_budgets
from shared.storage.admin_rows import parameters
from shared.storage.statements import load
from shared.wire.admin_customers import TagColumns, TagInfo

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from shared.storage.driver import Row
    from shared.storage.postgres import Runs

_SQL = load("admin_tags")


async def find_tags(db: Runs, names: Sequence[str]) -> list[TagInfo]:
    """Return those of the tags that exist, in alphabetical order."""
    return await _with_budgets(db, await db.all(_SQL["find_tags"], names=list(names)))


async def find_tag(db: Runs, tag_name: str) -> TagInfo | None:
    """Return a tag, None when there is none of that name."""
    found = await find_tags(db, [tag_name])
    return found[0] if found else None


async def list_tags(db: Runs, size: int) -> list[TagInfo]:
    """Return the newest tags."""
    return await _with_budgets(db, await db.all(_SQL["list_tags"], size=size))


async def insert_tag(
    db: Runs, tag_name: str, columns: TagColumns, *, spend: Decimal, by: str
) -> None:
    """Add a tag."""
    named = {"tag_name": tag_name, "spend": spend, "by": by}
    await db.run(_SQL["insert_tag"], **parameters(columns) | named)


async def lock_tags(db: Runs, names: Sequence[str]) -> int:
    """Hold tags until the transaction ends; return how many are there."""
    return len(await db.all(_SQL["lock_tags"], names=list(names)))


async def write_tag(db: Runs, tag_name: str, columns: TagColumns, *, by: str) -> None:
    """Set every column an admin sets."""
    named = {"tag_name": tag_name, "by": by}
    await db.run(_SQL["write_tag"], **parameters(columns) | named)


async def set_tag_spend(db: Runs, tag_name: str, spend: Decimal) -> None:
    """Start a period by hand, with so much already spent."""
    await db.run(_SQL["set_tag_spend"], tag_name=tag_name, spend=spend)


async def delete_tags(db: Runs, names: Sequence[str]) -> None:
    """Remove tags."""
    await db.run(_SQL["delete_tags"], names=list(names))


async def _with_budgets(db: Runs, rows: Sequence[Row]) -> list[TagInfo]:
    found = [TagInfo.model_validate(row) for row in rows]
    linked = sorted({one.budget_id for one in found if one.budget_id is not None})
    budgets = {budget.budget_id: budget for budget in await find_budgets(db, linked)}
    return [
        one.model_copy(update={"litellm_budget_table": budgets.get(one.budget_id or "")})
        for one in found
    ]
