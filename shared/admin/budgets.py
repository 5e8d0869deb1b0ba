"""Budgets as objects: limits that keys, members, organisations, customers and tags link to."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.admin.budget_periods import begin_due_period
from shared.admin.change import changing
from shared.admin.columns import check_model_budgets, filled
from shared.domain import Scope
from shared.errors import AlreadyExists, BadRequest, NotFound
from shared.storage import admin_budgets
from shared.storage.admin_changes import insert_audit
from shared.wire.admin_budgets import (
    BudgetColumns,
    BudgetInfo,
    BudgetSetting,
    NewBudget,
    UpdateBudget,
)

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.storage.postgres import Transaction
    from shared.wire.admin_budgets import BudgetFields, NameBudget, NameBudgets

TABLE: Final = "LiteLLM_BudgetTable"
SHOWN_AT_MOST: Final = 10_000
LIMITS: Final = frozenset(BudgetColumns.model_fields) - {"budget_reset_at"}
"""The fields of a body that make it ask for a budget of its own."""

_DESCRIPTIONS: Final = {
    "max_budget": ("Float", "Requests fail when this much is spent."),
    "soft_budget": ("Float", "An alert is sent when this much is spent; no request fails."),
    "max_parallel_requests": ("Integer", "How many requests may run at once."),
    "tpm_limit": ("Integer", "Tokens a minute."),
    "rpm_limit": ("Integer", "Requests a minute."),
    "rph_limit": ("Integer", "Requests an hour."),
    "tph_limit": ("Integer", "Tokens an hour."),
    "rpd_limit": ("Integer", "Requests a day."),
    "tpd_limit": ("Integer", "Tokens a day."),
    "budget_duration": ("String", "How long the budget is for: 30s, 12h, 7d, 1mo."),
    "model_max_budget": ("Object", "Budgets by model."),
}


async def new_budget(desk: Desk, caller: Caller, request: NewBudget, now: Millis) -> BudgetInfo:
    """Make a budget."""
    budget_id = request.budget_id or str(uuid.uuid4())
    taken = AlreadyExists(f"Budget {budget_id} already exists.", param="budget_id")
    conflicts = {"litellm_budgettable_pkey": taken}
    async with changing(desk.stores, [(Scope.BUDGET, budget_id)], conflicts) as transaction:
        return await insert_budget(transaction, desk, caller, (budget_id, request), now)


async def update_budget(
    desk: Desk, caller: Caller, request: UpdateBudget, now: Millis
) -> BudgetInfo:
    """Change the fields of a budget that the request holds, for all that link to it."""
    async with changing(desk.stores, [(Scope.BUDGET, request.budget_id)]) as transaction:
        return await rewrite_budget(transaction, desk, caller, (request.budget_id, request), now)


async def delete_budget(desk: Desk, caller: Caller, request: NameBudget) -> BudgetInfo:
    """Delete a budget that nothing links to any more."""
    before = await existing_budget(desk, request.id)
    linked = BadRequest(f"Budget {request.id} is in use: unlink it first.", param="id")
    conflicts = {
        f"litellm_{table}_budget_id_fkey": linked
        for table in (
            *("verificationtoken", "usertable", "teamtable", "teammembership", "endusertable"),
            *("organizationtable", "organizationmembership", "tagtable"),
        )
    }
    async with changing(desk.stores, [(Scope.BUDGET, request.id)], conflicts) as transaction:
        if await admin_budgets.delete_budget(transaction, request.id) == 0:
            raise _not_found(request.id)
        await insert_audit(transaction, caller.audit("deleted", TABLE, request.id, before=before))
    return before


async def budget_infos(desk: Desk, request: NameBudgets) -> list[BudgetInfo]:
    """Tell about those of the budgets that there are."""
    return await admin_budgets.find_budgets(desk.stores.postgres, request.budgets)


async def list_budgets(desk: Desk) -> list[BudgetInfo]:
    """Tell about the newest budgets."""
    return await admin_budgets.list_budgets(desk.stores.postgres, SHOWN_AT_MOST)


async def budget_settings(desk: Desk, budget_id: str) -> list[BudgetSetting]:
    """Describe the fields of a budget, for a form."""
    columns = (await existing_budget(desk, budget_id)).model_dump(mode="json")
    return [
        BudgetSetting(
            field_name=name,
            field_type=kind,
            field_description=description,
            field_value=columns[name],
            stored_in_db=columns[name] not in (None, {}),
        )
        for name, (kind, description) in _DESCRIPTIONS.items()
    ]


async def existing_budget(desk: Desk, budget_id: str) -> BudgetInfo:
    """Return a budget; raise NotFound when there is none of that id."""
    found = await admin_budgets.find_budget(desk.stores.postgres, budget_id)
    if found is None:
        raise _not_found(budget_id)
    return found


async def insert_budget(
    transaction: Transaction,
    desk: Desk,
    caller: Caller,
    named: tuple[str, BudgetFields],
    now: Millis,
) -> BudgetInfo:
    """Write a new budget within a change."""
    budget_id, request = named
    columns = _amended(BudgetColumns(), request, desk, now)
    await admin_budgets.insert_budget(transaction, budget_id, columns, by=caller.name)
    (info,) = await admin_budgets.find_budgets(transaction, [budget_id])
    await insert_audit(transaction, caller.audit("created", TABLE, budget_id, after=info))
    return info


async def rewrite_budget(
    transaction: Transaction,
    desk: Desk,
    caller: Caller,
    named: tuple[str, BudgetFields],
    now: Millis,
) -> BudgetInfo:
    """Change a budget within a change; raise NotFound when there is none of that id."""
    budget_id, request = named
    await admin_budgets.lock_budget(transaction, budget_id)
    await begin_due_period(transaction, desk, budget_id, now)
    before = await admin_budgets.find_budget(transaction, budget_id)
    if before is None:
        raise _not_found(budget_id)
    columns = _amended(before, request, desk, now)
    await admin_budgets.write_budget(transaction, budget_id, columns, by=caller.name)
    (after,) = await admin_budgets.find_budgets(transaction, [budget_id])
    line = caller.audit("updated", TABLE, budget_id, before=before, after=after)
    await insert_audit(transaction, line)
    return after


@dataclass(frozen=True, slots=True)
class Link:
    """The budget in which the limits of something lie, None when it has none."""

    budget_id: str | None
    is_new: bool = False
    limits: BudgetFields | None = None

    @property
    def entities(self) -> list[Entity]:
        """The policies that change with it."""
        return [(Scope.BUDGET, self.budget_id)] if self.budget_id and self.limits else []

    async def write(
        self, transaction: Transaction, desk: Desk, caller: Caller, now: Millis
    ) -> None:
        """Make or change the budget within a change, if there are limits to be written."""
        if self.limits is None or self.budget_id is None:
            return
        write = insert_budget if self.is_new else rewrite_budget
        await write(transaction, desk, caller, (self.budget_id, self.limits), now)


def link_to(request: BudgetFields, linked: str | None) -> Link:
    """Find the budget for the limits that a body holds: the linked one, else a new one."""
    if not asks_for_budget(request):
        return Link(linked)
    return Link(linked or str(uuid.uuid4()), linked is None, request)


def no_such_budget(budget_id: str | None) -> BadRequest:
    """Say that a budget is not there that something was to be linked to."""
    return BadRequest(f"Budget not found, passed budget id: {budget_id}.", param="budget_id")


def asks_for_budget(request: BudgetFields) -> bool:
    """Say whether a body holds limits, which need a budget to lie in."""
    return bool(LIMITS & request.model_fields_set)


def _amended(
    columns: BudgetColumns, request: BudgetFields, desk: Desk, now: Millis
) -> BudgetColumns:
    after = filled(columns, request)
    check_model_budgets(after.model_max_budget)
    sent = request.model_fields_set
    if "budget_duration" not in sent or (
        isinstance(request, NewBudget | UpdateBudget) and request.budget_reset_at is not None
    ):
        return after
    duration = request.budget_duration
    reset_at = desk.first_reset(duration, now) if duration is not None else None
    return after.model_copy(update={"budget_reset_at": reset_at})


def _not_found(budget_id: str) -> NotFound:
    return NotFound(f"Budget not found, passed budget id: {budget_id}.", param="budget_id")
