"""Seal anew, under the current key, every secret that a previous one sealed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.auth.keys import key_name
from shared.config.live import find_overlay
from shared.config.overlay import ENVIRONMENT, place_of_credential, place_of_model
from shared.config.secrets import is_sealed
from shared.errors import BadRequest, NotPermitted
from shared.storage import admin_config
from shared.storage.admin_changes import insert_audit, next_version
from shared.storage.columns import moment
from shared.storage.config_entries import fence_config, publish_overlay
from shared.storage.config_rows import take_config_turn
from shared.wire.admin_keys import GeneratedKey

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.config.secrets import Vault
    from shared.domain import Json, JsonObject
    from shared.storage.postgres import Runs
    from shared.storage.stores import Stores
    from shared.wire.admin_keys import RegenerateKey

BY: Final = "rotation"


async def rotate_secrets(stores: Stores, vault: Vault) -> int:
    """Do it in one transaction; return how many were sealed anew. Raise Unsealable."""
    count = 0

    def anew(values: JsonObject, place: str) -> JsonObject:
        nonlocal count
        renewed: JsonObject = {}
        for name, value in values.items():
            renewed[name], is_new = _anew(value, f"{place}/{name}", vault)
            count += is_new
        return renewed

    async with stores.postgres.transaction() as transaction:
        await take_config_turn(transaction)
        number = await next_version(transaction)
        for model in await admin_config.list_models(transaction):
            params = anew(model.litellm_params, place_of_model(model.model_id))
            row = model.model_copy(update={"litellm_params": params})
            await admin_config.write_model(transaction, row, by=model.updated_by or BY)
        for known in await admin_config.list_credentials(transaction):
            values = anew(known.credential_values, place_of_credential(known.credential_name))
            row = known.model_copy(update={"credential_values": values})
            await admin_config.write_credential(transaction, row, by=BY)
        variables = await admin_config.find_section(transaction, ENVIRONMENT)
        if variables:
            values = anew(variables, ENVIRONMENT)
            await admin_config.write_section(transaction, ENVIRONMENT, values, by=BY)
        overlay = await find_overlay(transaction)
        await fence_config(stores.redis, number)
    await publish_overlay(stores.redis, overlay.version, overlay.render())
    return count


async def count_stale(db: Runs, vault: Vault) -> int:
    """Say how many secrets still need a previous key."""
    values = [
        *(model.litellm_params for model in await admin_config.list_models(db)),
        *(known.credential_values for known in await admin_config.list_credentials(db)),
        await admin_config.find_section(db, ENVIRONMENT),
    ]
    return sum(
        isinstance(value, str) and is_sealed(value) and not vault.is_current(value)
        for each in values
        for value in each.values()
    )


async def rotate_master_key(desk: Desk, caller: Caller, request: RegenerateKey) -> GeneratedKey:
    """Seal everything for a master key to come, and answer with it as LiteLLM does.

    From then on the environment must have it: until it does, processes go on with the
    configuration that they have. Raise NotPermitted to whoever does not hold the master key.
    """
    new = request.new_master_key or ""
    if caller.key_hash is not None:
        raise NotPermitted("Only the master key can be exchanged for another one.", param="key")
    if request.key not in (None, desk.master_key):
        raise BadRequest("new_master_key replaces the master key; name no other.", param="key")
    if desk.has_salt_key:
        raise BadRequest(
            "LITELLM_SALT_KEY seals what is stored, so another master key needs nothing but the "
            "environment. To exchange the salt key: set the new one, the old one in "
            "TOLLGATE_PREVIOUS_SALT_KEYS, and POST /credentials/migrate-encryption.",
            param="new_master_key",
        )
    await rotate_secrets(desk.stores, desk.live.vault.renewed(new))
    async with desk.stores.postgres.transaction() as transaction:
        await insert_audit(transaction, caller.audit("rotated", "LiteLLM_Config", "master_key"))
    now = moment(desk.now())
    return GeneratedKey(
        key=new,
        token=caller.key_name,
        token_id=caller.key_name,
        key_name=key_name(new),
        spend=Decimal(0),
        created_at=now,
        updated_at=now,
        budget_started_at=now,
    )


def _anew(value: Json, place: str, vault: Vault) -> tuple[Json, bool]:
    if not isinstance(value, str) or not is_sealed(value) or vault.is_current(value):
        return value, False
    return vault.seal(vault.open(value, place), place), True
