"""Models, credentials and parts of the configuration as the admin API writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast

import orjson

from shared.storage.statements import load
from shared.wire.admin_models import CredentialRow, ModelRow

if TYPE_CHECKING:
    from shared.domain import JsonObject
    from shared.storage.postgres import Runs

_SQL: Final = load("admin_config")


async def insert_model(db: Runs, row: ModelRow, *, by: str) -> None:
    """Add a deployment."""
    await db.run(
        _SQL["insert_model"],
        model_id=row.model_id,
        model_name=row.model_name,
        litellm_params=_json(row.litellm_params),
        model_info=_json(row.model_info),
        by=by,
    )


async def write_model(db: Runs, row: ModelRow, *, by: str) -> None:
    """Set all that an administrator sets of a deployment."""
    await db.run(
        _SQL["write_model"],
        model_id=row.model_id,
        model_name=row.model_name,
        litellm_params=_json(row.litellm_params),
        model_info=_json(row.model_info),
        blocked=row.blocked,
        by=by,
    )


async def delete_model(db: Runs, model_id: str) -> None:
    """Take a deployment away."""
    await db.run(_SQL["delete_model"], model_id=model_id)


async def list_models(db: Runs, model_id: str | None = None) -> list[ModelRow]:
    """Return the deployments that were added over the API; only one when an id is given."""
    return [
        ModelRow.model_validate(row) for row in await db.all(_SQL["list_models"], model_id=model_id)
    ]


async def find_section(db: Runs, name: str) -> JsonObject:
    """Return a part of the configuration; empty where there is none."""
    row = await db.one(_SQL["find_section"], name=name)
    value = row["config_value"] if row else None
    return cast("JsonObject", value) if isinstance(value, dict) else {}


async def write_section(db: Runs, name: str, value: JsonObject, *, by: str) -> None:
    """Set a part of the configuration."""
    await db.run(_SQL["write_section"], name=name, value=_json(value), by=by)


async def insert_credential(db: Runs, row: CredentialRow, *, by: str) -> None:
    """Add a credential."""
    await db.run(_SQL["insert_credential"], **_of(row), by=by)


async def write_credential(db: Runs, row: CredentialRow, *, by: str) -> None:
    """Set what a credential holds."""
    await db.run(_SQL["write_credential"], **_of(row), by=by)


async def delete_credential(db: Runs, name: str) -> None:
    """Take a credential away."""
    await db.run(_SQL["delete_credential"], name=name)


async def list_credentials(db: Runs, name: str | None = None) -> list[CredentialRow]:
    """Return the credentials; only one when a name is given."""
    return [
        CredentialRow.model_validate(row)
        for row in await db.all(_SQL["list_credentials"], name=name)
    ]


def _of(row: CredentialRow) -> dict[str, str]:
    return {
        "name": row.credential_name,
        "values": _json(row.credential_values),
        "info": _json(row.credential_info),
    }


def _json(value: JsonObject) -> str:
    return orjson.dumps(value).decode()
