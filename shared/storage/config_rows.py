"""The configuration's rows in Postgres, as one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict, cast

from shared.storage.statements import load

if TYPE_CHECKING:
    from datetime import datetime

    from shared.domain import Json, JsonObject
    from shared.storage.postgres import Runs

_SQL: Final = load("config_rows")


@dataclass(frozen=True, slots=True)
class ConfigRows:
    """What litellm_config, the models and the credentials say at one version.

    `read_mark` is where the sequence of versions stood when they were read.
    """

    version: int
    read_mark: int
    sections: JsonObject
    models: list[Json]
    credentials: JsonObject


async def find_config_rows(db: Runs) -> ConfigRows:
    """Read all that the database lays over the configuration file."""
    row = cast("_Row", await db.one(_SQL["find_overlay"]))
    return ConfigRows(
        row["version"] or 0, row["read_mark"], row["sections"], row["models"], row["credentials"]
    )


async def has_config_changed(db: Runs, since: datetime) -> bool:
    """Say whether the configuration's rows were changed since a moment."""
    return await db.one(_SQL["changed_config"], since=since) is not None


async def take_config_turn(db: Runs) -> None:
    """Let no other change of the configuration in before the transaction ends."""
    await db.one(_SQL["take_turn"])


class _Row(TypedDict):
    version: int | None
    read_mark: int
    sections: JsonObject
    models: list[Json]
    credentials: JsonObject
