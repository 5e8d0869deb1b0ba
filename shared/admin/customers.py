"""The callers' own customers, whom calls name as their `user`: limits, budgets, blocks."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.budget_periods import begin_due_period
from shared.admin.budgets import link_to, no_such_budget
from shared.admin.change import changing
from shared.admin.columns import filled
from shared.domain import Scope
from shared.errors import AlreadyExists, GatewayError, NotFound
from shared.storage import admin_customers
from shared.storage.admin_changes import insert_audit
from shared.wire.admin_customers import CustomerColumns, CustomerInfo

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.postgres import Runs
    from shared.wire.admin_customers import NameCustomers, NewCustomer, UpdateCustomer

TABLE: Final = "LiteLLM_EndUserTable"
SHOWN_AT_MOST: Final = 10_000
_COLUMNS: Final = set(CustomerColumns.model_fields)


async def new_customer(
    desk: Desk, caller: Caller, request: NewCustomer, now: Millis
) -> CustomerInfo:
    """Make a customer; its limits lie in a budget."""
    name, link = request.user_id, link_to(request, request.budget_id)
    columns = filled(CustomerColumns(), request).model_copy(update={"budget_id": link.budget_id})
    conflicts = _conflicts(name, request.budget_id)
    entities = [(Scope.END_USER, name), *link.entities]
    async with changing(desk.stores, entities, conflicts) as transaction:
        await link.write(transaction, desk, caller, now)
        await admin_customers.insert_customer(
            transaction, name, columns, spend=request.spend or Decimal(0)
        )
        after = await _existing(transaction, name)
        await insert_audit(transaction, caller.audit("created", TABLE, name, after=after))
    return after


async def update_customer(
    desk: Desk, caller: Caller, request: UpdateCustomer, now: Millis
) -> CustomerInfo:
    """Change the fields of a customer that the request holds."""
    name = request.user_id
    before = await _existing(desk.stores.postgres, name)
    wanted = request.budget_id if "budget_id" in request.model_fields_set else before.budget_id
    link = link_to(request, wanted)
    conflicts = _conflicts(name, request.budget_id)
    entities = [(Scope.END_USER, name), *link.entities]
    async with changing(desk.stores, entities, conflicts) as transaction:
        await admin_customers.lock_customers(transaction, [name])
        held = await _existing(transaction, name)
        await begin_due_period(transaction, desk, held.budget_id, now)
        await link.write(transaction, desk, caller, now)
        columns = filled(CustomerColumns(**held.model_dump(include=_COLUMNS)), request)
        columns = columns.model_copy(update={"budget_id": link.budget_id})
        await admin_customers.write_customer(transaction, name, columns)
        if request.spend is not None:
            await admin_customers.set_customer_spend(transaction, name, request.spend)
        after = await _existing(transaction, name)
        line = caller.audit("updated", TABLE, name, before=held, after=after)
        await insert_audit(transaction, line)
    return after


async def delete_customers(desk: Desk, caller: Caller, request: NameCustomers) -> int:
    """Delete customers, all of them or none."""
    user_ids = sorted(set(request.user_ids))
    entities = [(Scope.END_USER, user_id) for user_id in user_ids]
    async with changing(desk.stores, entities) as transaction:
        if await admin_customers.lock_customers(transaction, user_ids) < len(user_ids):
            raise NotFound("Customer not found.", param="user_ids")
        doomed = await admin_customers.find_customers(transaction, user_ids)
        await admin_customers.delete_customers(transaction, user_ids)
        for one in doomed:
            line = caller.audit("deleted", TABLE, one.user_id, before=one)
            await insert_audit(transaction, line)
    return len(user_ids)


async def block_customers(
    desk: Desk, caller: Caller, request: NameCustomers, *, blocked: bool
) -> list[CustomerInfo]:
    """Block customers from their next call on, or let them in again; unknown ones get a row."""
    user_ids = sorted(set(request.user_ids))
    entities = [(Scope.END_USER, user_id) for user_id in user_ids]
    async with changing(desk.stores, entities) as transaction:
        await admin_customers.lock_customers(transaction, user_ids)
        known = {
            one.user_id: one for one in await admin_customers.find_customers(transaction, user_ids)
        }
        for user_id in user_ids:
            await _block(transaction, caller, user_id, known.get(user_id), blocked=blocked)
        return await admin_customers.find_customers(transaction, user_ids)


async def customer_info(desk: Desk, user_id: str) -> CustomerInfo:
    """Tell about a customer."""
    return await _existing(desk.stores.postgres, user_id)


async def list_customers(desk: Desk) -> list[CustomerInfo]:
    """Tell about the newest customers."""
    return await admin_customers.list_customers(desk.stores.postgres, SHOWN_AT_MOST)


async def _block(
    transaction: Runs, caller: Caller, user_id: str, before: CustomerInfo | None, *, blocked: bool
) -> None:
    if before is None:
        columns = CustomerColumns(blocked=blocked)
        await admin_customers.insert_customer(transaction, user_id, columns, spend=Decimal(0))
    else:
        columns = CustomerColumns.model_validate(
            before.model_dump(include=_COLUMNS) | {"blocked": blocked}
        )
        await admin_customers.write_customer(transaction, user_id, columns)
    after = await _existing(transaction, user_id)
    action = "blocked" if blocked else "unblocked"
    await insert_audit(
        transaction, caller.audit(action, TABLE, user_id, before=before, after=after)
    )


async def _existing(db: Runs, user_id: str) -> CustomerInfo:
    found = await admin_customers.find_customer(db, user_id)
    if found is None:
        raise NotFound(f"End User Id={user_id} does not exist in db", param="user_id")
    return found


def _conflicts(user_id: str, budget_id: str | None) -> dict[str, GatewayError]:
    return {
        "litellm_endusertable_pkey": AlreadyExists(
            f"Customer already exists, passed user_id={user_id}.", param="user_id"
        ),
        "litellm_endusertable_budget_id_fkey": no_such_budget(budget_id),
    }
