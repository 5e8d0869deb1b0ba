"""Seal anew, under the current key, every secret that a previous one sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.config.live import find_overlay
from shared.config.overlay import ENVIRONMENT, place_of_credential, place_of_model
from shared.config.secrets import is_sealed
from shared.storage import admin_config
from shared.storage.admin_changes import next_version
from shared.storage.config_entries import fence_config, publish_overlay
from shared.storage.config_rows import take_config_turn

if TYPE_CHECKING:
    from shared.config.secrets import Vault
    from shared.domain import Json, JsonObject
    from shared.storage.stores import Stores

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


def _anew(value: Json, place: str, vault: Vault) -> tuple[Json, bool]:
    if not isinstance(value, str) or not is_sealed(value) or vault.is_current(value):
        return value, False
    return vault.seal(vault.open(value, place), place), True
