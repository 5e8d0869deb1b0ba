"""Tags that calls carry, with models and budgets."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.budget_periods import begin_due_period
from shared.admin.budgets import link_to, no_such_budget
from shared.admin.change import changing
from shared.admin.columns import filled
from shared.domain import Scope
from shared.errors import AlreadyExists, GatewayError, NotFound
from shared.storage import admin_tags
from shared.storage.admin_changes import insert_audit
from shared.wire.admin_customers import TagColumns, TagInfo

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.postgres import Runs
    from shared.wire.admin_customers import NameTag, NameTags, NewTag, UpdateTag

TABLE: Final = "LiteLLM_TagTable"
SHOWN_AT_MOST: Final = 10_000
_COLUMNS: Final = set(TagColumns.model_fields)


async def new_tag(desk: Desk, caller: Caller, request: NewTag, now: Millis) -> TagInfo:
    """Make a tag; its limits lie in a budget."""
    name, link = request.name, link_to(request, request.budget_id)
    columns = filled(TagColumns(), request).model_copy(update={"budget_id": link.budget_id})
    conflicts = _conflicts(name, request.budget_id)
    entities = [(Scope.TAG, name), *link.entities]
    async with changing(desk.stores, entities, conflicts) as transaction:
        await link.write(transaction, desk, caller, now)
        await admin_tags.insert_tag(transaction, name, columns, spend=Decimal(0), by=caller.name)
        after = await _existing(transaction, name)
        await insert_audit(transaction, caller.audit("created", TABLE, name, after=after))
    return after


async def update_tag(desk: Desk, caller: Caller, request: UpdateTag, now: Millis) -> TagInfo:
    """Change the fields of a tag that the request holds."""
    name = request.name
    before = await _existing(desk.stores.postgres, name)
    wanted = request.budget_id if "budget_id" in request.model_fields_set else before.budget_id
    link = link_to(request, wanted)
    conflicts = _conflicts(name, request.budget_id)
    entities = [(Scope.TAG, name), *link.entities]
    async with changing(desk.stores, entities, conflicts) as transaction:
        await admin_tags.lock_tags(transaction, [name])
        held = await _existing(transaction, name)
        await begin_due_period(transaction, desk, held.budget_id, now)
        await link.write(transaction, desk, caller, now)
        columns = filled(TagColumns(**held.model_dump(include=_COLUMNS)), request)
        columns = columns.model_copy(update={"budget_id": link.budget_id})
        await admin_tags.write_tag(transaction, name, columns, by=caller.name)
        if request.spend is not None:
            await admin_tags.set_tag_spend(transaction, name, request.spend)
        after = await _existing(transaction, name)
        line = caller.audit("updated", TABLE, name, before=held, after=after)
        await insert_audit(transaction, line)
    return after


async def delete_tag(desk: Desk, caller: Caller, request: NameTag) -> None:
    """Delete a tag."""
    async with changing(desk.stores, [(Scope.TAG, request.name)]) as transaction:
        await admin_tags.lock_tags(transaction, [request.name])
        before = await _existing(transaction, request.name)
        await admin_tags.delete_tags(transaction, [request.name])
        line = caller.audit("deleted", TABLE, request.name, before=before)
        await insert_audit(transaction, line)


async def tag_infos(desk: Desk, request: NameTags) -> dict[str, TagInfo]:
    """Tell about tags by name; raise NotFound when one is not there."""
    found = await admin_tags.find_tags(desk.stores.postgres, request.names)
    if missing := set(request.names) - {tag.name for tag in found}:
        raise NotFound(f"Tags not found: {', '.join(sorted(missing))}", param="names")
    return {tag.name: tag for tag in found}


async def list_tags(desk: Desk) -> list[TagInfo]:
    """Tell about the newest tags."""
    return await admin_tags.list_tags(desk.stores.postgres, SHOWN_AT_MOST)


async def _existing(db: Runs, name: str) -> TagInfo:
    found = await admin_tags.find_tag(db, name)
    if found is None:
        raise NotFound(f"Tag {name} not found", param="name")
    return found


def _conflicts(name: str, budget_id: str | None) -> dict[str, GatewayError]:
    return {
        "litellm_tagtable_pkey": AlreadyExists(f"Tag {name} already exists", param="name"),
        "litellm_tagtable_budget_id_fkey": no_such_budget(budget_id),
    }
