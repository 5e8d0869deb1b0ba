"""Add, change, block and take away deployments over the API; those of the file stay the file's."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from shared.admin.given_secrets import PLAIN, check_params, check_references
from shared.admin.reconfigure import reconfiguring
from shared.admin.team_models import (
    TEAM_ID,
    check_brought,
    check_own,
    check_team,
    named,
    renamed,
)
from shared.config.overlay import ENVIRONMENT, laid, place_of_model, sealed, shown
from shared.errors import AlreadyExists, BadRequest, NotFound
from shared.storage import admin_config
from shared.storage.admin_changes import insert_audit
from shared.wire.admin_models import ModelRow

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import JsonObject
    from shared.storage.admin_changes import Action
    from shared.storage.postgres import Transaction
    from shared.wire.admin_models import NewModel, UpdateModel

TABLE: Final = "LiteLLM_ProxyModelTable"
PART: Final = "models"

_OURS: Final = frozenset({"id", "db_model"})


async def new_model(desk: Desk, caller: Caller, request: NewModel) -> ModelRow:
    """Add a deployment, perhaps of a team alone; its secrets are sealed before they are written."""
    sent = dict(request.model_info or {})
    await check_team(desk.stores.postgres, caller, sent)
    check_brought(caller, request.litellm_params, request.litellm_params, is_new=True)
    model_id = _id_in(sent) or str(uuid.uuid4())
    name, info = named(request.model_name, sent)
    conflicts = {
        "litellm_proxymodeltable_pkey": AlreadyExists(
            f"A model with id {model_id} exists already.", param="model_info.id"
        )
    }
    async with reconfiguring(desk, PART, conflicts) as transaction:
        row = await _checked(
            desk,
            transaction,
            ModelRow(
                model_id=model_id,
                model_name=name,
                litellm_params=request.litellm_params,
                model_info={name: value for name, value in info.items() if name not in _OURS},
            ),
        )
        await admin_config.insert_model(transaction, row, by=caller.name)
        after = await _existing(desk, transaction, caller, model_id)
        await _note(transaction, caller, "created", after=after)
    return after


async def update_model(desk: Desk, caller: Caller, model_id: str, request: UpdateModel) -> ModelRow:
    """Lay what is sent over a deployment that was made over the API."""
    params = request.litellm_params or {}
    sent = {k: v for k, v in (request.model_info or {}).items() if k not in _OURS}
    if TEAM_ID in sent:
        await check_team(desk.stores.postgres, caller, sent)

    def change(row: ModelRow) -> ModelRow:
        after = laid(row.litellm_params, params)
        check_brought(caller, params, after, is_new=False)
        name, info = renamed(row, request.model_name, laid(row.model_info, sent))
        return row.model_copy(
            update={"model_name": name, "litellm_params": after, "model_info": info}
        )

    return await _rewrite(desk, caller, model_id, "updated", change)


async def block_model(desk: Desk, caller: Caller, model_id: str, *, blocked: bool) -> ModelRow:
    """Leave a deployment out from the next request on, or let it in again."""
    action: Action = "blocked" if blocked else "unblocked"
    return await _rewrite(
        desk, caller, model_id, action, lambda row: row.model_copy(update={"blocked": blocked})
    )


async def delete_model(desk: Desk, caller: Caller, model_id: str) -> None:
    """Take a deployment away."""
    async with reconfiguring(desk, PART) as transaction:
        before = await _existing(desk, transaction, caller, model_id)
        check_own(caller, before)
        await admin_config.delete_model(transaction, model_id)
        await _note(transaction, caller, "deleted", before=before)


def id_of(request: UpdateModel) -> str:
    """Return the deployment that a body names."""
    model_id = request.model_id or request.id or _id_in(request.model_info or {})
    if model_id is None:
        raise BadRequest("Name the model: model_info.id.", param="model_info.id")
    return model_id


async def _rewrite(
    desk: Desk,
    caller: Caller,
    model_id: str,
    action: Action,
    change: Callable[[ModelRow], ModelRow],
) -> ModelRow:
    async with reconfiguring(desk, PART) as transaction:
        before = await _existing(desk, transaction, caller, model_id)
        check_own(caller, before)
        row = await _checked(desk, transaction, change(before), before)
        await admin_config.write_model(transaction, row, by=caller.name)
        after = await _existing(desk, transaction, caller, model_id)
        await _note(transaction, caller, action, before=before, after=after)
    return after


async def _existing(
    desk: Desk, transaction: Transaction, caller: Caller, model_id: str
) -> ModelRow:
    found = await admin_config.list_models(transaction, model_id)
    if found:
        return found[0]
    if caller.is_admin and model_id in desk.live.current.by_id:
        raise BadRequest("That model stands in the configuration file; change it there.")
    raise NotFound(f"Model with id {model_id} not found.", param="id")


async def _checked(
    desk: Desk, transaction: Transaction, row: ModelRow, before: ModelRow | None = None
) -> ModelRow:
    """Return a row with every new secret sealed; what was sealed before stays as it is."""
    known = before.litellm_params if before else {}
    new = {name: value for name, value in row.litellm_params.items() if known.get(name) != value}
    old = {name: value for name, value in row.litellm_params.items() if name not in new}
    variables = await admin_config.find_section(transaction, ENVIRONMENT)
    check_params(new, variables)
    check_references(row.model_info, variables)
    place = place_of_model(row.model_id)
    params = {**old, **sealed(new, place, desk.live.vault, plain=PLAIN)}
    return row.model_copy(update={"litellm_params": params})


async def _note(
    transaction: Transaction,
    caller: Caller,
    action: Action,
    *,
    before: ModelRow | None = None,
    after: ModelRow | None = None,
) -> None:
    row = after or before
    await insert_audit(
        transaction,
        caller.audit(
            action,
            TABLE,
            row.model_id if row else "",
            before=visible(before) if before else None,
            after=visible(after) if after else None,
        ),
    )


def visible(row: ModelRow) -> ModelRow:
    """Return a row as everybody may see it: without what is sealed, its id where LiteLLM has it."""
    info: JsonObject = {**row.model_info, "id": row.model_id, "db_model": True}
    return row.model_copy(update={"litellm_params": shown(row.litellm_params), "model_info": info})


def _id_in(info: JsonObject) -> str | None:
    model_id = info.get("id")
    if model_id is None:
        return None
    if not isinstance(model_id, str) or not 0 < len(model_id) <= 255 or not model_id.isprintable():  # noqa: PLR2004 - a name's length
        raise BadRequest("model_info.id must be a name.", param="model_info.id")
    return model_id
