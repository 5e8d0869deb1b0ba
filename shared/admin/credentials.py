"""Named credentials: kept sealed, used by models that name them, never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.admin.given_secrets import check_references
from shared.admin.reconfigure import reconfiguring
from shared.config.overlay import laid, place_of_credential, sealed
from shared.errors import AlreadyExists, NotFound
from shared.storage import admin_config
from shared.storage.admin_changes import insert_audit
from shared.wire.admin_models import CredentialRow, Credentials

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.storage.admin_changes import Action
    from shared.storage.postgres import Runs, Transaction
    from shared.wire.admin_models import NewCredential, UpdateCredential

TABLE: Final = "LiteLLM_CredentialsTable"
PART: Final = "credentials"
MASK: Final = "****"


async def new_credential(desk: Desk, caller: Caller, request: NewCredential) -> None:
    """Keep a credential."""
    name = request.credential_name
    check_references(request.credential_values, ())
    check_references(request.credential_info, ())
    row = CredentialRow(
        credential_name=name,
        credential_values=sealed(
            request.credential_values, place_of_credential(name), desk.live.vault
        ),
        credential_info=request.credential_info or {},
    )
    conflicts = {
        "litellm_credentialstable_credential_name_key": AlreadyExists(
            f"Credential {name} exists already.", param="credential_name"
        )
    }
    async with reconfiguring(desk, PART, conflicts) as transaction:
        await admin_config.insert_credential(transaction, row, by=caller.name)
        await _note(transaction, caller, "created", None, row)


async def update_credential(
    desk: Desk, caller: Caller, name: str, request: UpdateCredential
) -> None:
    """Lay what is sent over what a credential holds; a null takes a value away."""
    check_references(request.credential_values, ())
    check_references(request.credential_info, ())
    new = sealed(request.credential_values or {}, place_of_credential(name), desk.live.vault)
    async with reconfiguring(desk, PART) as transaction:
        before = await _existing(transaction, name)
        values = laid(before.credential_values, new)
        info = {**before.credential_info, **(request.credential_info or {})}
        row = CredentialRow(credential_name=name, credential_values=values, credential_info=info)
        await admin_config.write_credential(transaction, row, by=caller.name)
        await _note(transaction, caller, "updated", before, row)


async def delete_credential(desk: Desk, caller: Caller, name: str) -> None:
    """Forget a credential; refused while a model names it, for the whole would not be valid."""
    async with reconfiguring(desk, PART) as transaction:
        before = await _existing(transaction, name)
        await admin_config.delete_credential(transaction, name)
        await _note(transaction, caller, "deleted", before, None)


async def list_credentials(desk: Desk) -> Credentials:
    """Return all of them, the values masked."""
    rows = await admin_config.list_credentials(desk.stores.postgres)
    return Credentials(credentials=[masked(row) for row in rows])


async def credential(desk: Desk, name: str) -> CredentialRow:
    """Return one of them, the values masked."""
    return masked(await _existing(desk.stores.postgres, name))


def masked(row: CredentialRow) -> CredentialRow:
    """Leave of the values only their names."""
    return row.model_copy(update={"credential_values": dict.fromkeys(row.credential_values, MASK)})


async def _existing(db: Runs, name: str) -> CredentialRow:
    found = await admin_config.list_credentials(db, name)
    if not found:
        raise NotFound(f"Credential {name} not found.", param="credential_name")
    return found[0]


async def _note(
    transaction: Transaction,
    caller: Caller,
    action: Action,
    before: CredentialRow | None,
    after: CredentialRow | None,
) -> None:
    row = after or before
    await insert_audit(
        transaction,
        caller.audit(
            action,
            TABLE,
            row.credential_name if row else "",
            before=masked(before) if before else None,
            after=masked(after) if after else None,
        ),
    )
