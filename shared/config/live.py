"""The configuration in force: the file, the database's overlay, and how a process learns of change.

Admit compares `version` with what stands in Redis (`config:version`). Where they differ, `reload`
reads the overlay from Redis, else from Postgres, and the request is decided anew. An overlay that
is not valid as a whole changes nothing: the last good configuration stays, and an alarm says so.
"""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Self

from shared.config.deployments import OverApi
from shared.config.loading import read_config, read_file, valid_config
from shared.config.overlay import Overlay, merged
from shared.config.parameters import environment_of
from shared.config.secrets import Vault
from shared.errors import StoreDown
from shared.observability import log, measure
from shared.storage.config_entries import (
    config_changes,
    is_in_force,
    publish_overlay,
    standing_overlay,
    standing_version,
)
from shared.storage.config_rows import find_config_rows
from shared.storage.failures import StatementFailed
from shared.storage.redis import RedisRefused
from shared.storage.shared_reads import SharedReads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.config.model import Config
    from shared.config.sections import Problem
    from shared.domain import JsonObject
    from shared.settings import Settings
    from shared.storage.postgres import Runs
    from shared.storage.stores import Stores

UNCHECKED_SECONDS: Final = 2.0
"""How long the last good configuration is used unasked once no store would tell a newer one."""

NOT_TOLD: Final = ""
"""In the place of a version: admit compares nothing."""

_TOLD_AT_MOST: Final = 5
_SHORTEST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 30.0


@dataclass(slots=True)
class LiveConfig:
    """The configuration of one process; `current` and `version` change together, never within."""

    stores: Stores
    file: JsonObject
    vault: Vault
    environment: Mapping[str, str]
    allows_private: bool
    current: Config
    version: int | None = None
    read_mark: int = 0
    _reloads: SharedReads[None] = field(default_factory=SharedReads["None"])
    _unchecked_until: float = 0.0

    @classmethod
    def open(
        cls, settings: Settings, stores: Stores, environment: Mapping[str, str] = os.environ
    ) -> Self:
        """Read the file; the overlay comes with the first request. Raise ConfigError."""
        return cls.over(read_file(settings.config_path), settings, stores, environment)

    @classmethod
    def over(
        cls,
        file: JsonObject,
        settings: Settings,
        stores: Stores,
        environment: Mapping[str, str],
    ) -> Self:
        """Begin with a file that was read already. Raise ConfigError."""
        environment = environment_of(file, environment)
        current = valid_config(file, environment)
        allowed = current.general.allow_private_api_base
        return cls(
            stores=stores,
            file=file,
            vault=vault_of(settings),
            environment=environment,
            allows_private=not settings.is_lambda if allowed is None else allowed,
            current=current,
        )

    @property
    def told(self) -> str:
        """What admit compares (version, mark); nothing while no store knows which is the newest."""
        if self.version is None or time.monotonic() < self._unchecked_until:
            return NOT_TOLD
        return f"{self.version} {self.read_mark}"

    async def begin(self) -> None:
        """Read the overlay if this process never has."""
        if self.version is None and time.monotonic() >= self._unchecked_until:
            await self.reload(None)

    async def refresh(self) -> bool:
        """Ask Redis whether there is a newer configuration, and load it; say whether there was."""
        before = self.current
        if time.monotonic() < self._unchecked_until:
            return False
        try:
            standing = await standing_version(self.stores.redis)
            if not is_in_force(standing, self.version, self.read_mark):
                await self.reload(self.version)
        except (StoreDown, RedisRefused) as error:
            self._keep(error)
        return self.current is not before

    async def follow(self) -> None:
        """Learn of changes as they are announced, for ever; only where a process lives long.

        Admit tells of every change anyway: this only spares the next call the reading.
        """
        pause = _SHORTEST_PAUSE
        while True:
            try:
                async for _ in config_changes(self.stores.redis):
                    pause = _SHORTEST_PAUSE
                    await self.refresh()
            except (StoreDown, RedisRefused) as error:
                log.warning("config_not_followed", reason=str(error), again_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def reload(self, stale: int | None) -> None:
        """Load what is newer than version `stale`; all who ask at once share one reading."""
        await self._reloads.read(stale, lambda: self._reload(stale))

    async def _reload(self, stale: int | None) -> None:
        if self.version != stale:
            return
        try:
            self.adopt(await self._newer(stale))
        except (StoreDown, RedisRefused, StatementFailed) as error:
            self._keep(error)

    async def _newer(self, stale: int | None) -> Overlay:
        text = await standing_overlay(self.stores.redis)
        overlay = Overlay.parse(text) if text is not None else None
        if overlay is not None and (stale is None or overlay.version > stale):
            return overlay
        overlay = await find_overlay(self.stores.postgres)
        await publish_overlay(self.stores.redis, overlay.version, overlay.render())
        return overlay

    def adopt(self, overlay: Overlay) -> None:
        """Put an overlay in force, or keep the last good configuration when it is not valid."""
        config, problems = self.read(overlay)
        self.version, self.read_mark = overlay.version, overlay.read_mark
        self._unchecked_until = 0.0
        if problems:
            reasons = [str(problem) for problem in problems[:_TOLD_AT_MOST]]
            log.error("config_refused", version=overlay.version, reasons=reasons)
            measure("config", {"config_refused": 1})
            return
        self.current = config

    def read(self, overlay: Overlay) -> tuple[Config, list[Problem]]:
        """Read file and overlay as one configuration, with all that is wrong with it."""
        whole = merged(self.file, overlay, self.vault)
        # What the process was started with comes first: nobody redirects it over the API.
        environment = {**whole.environment, **self.environment}
        config, findings = read_config(
            whole.data, environment, OverApi(whole.environment, self.allows_private)
        )
        return config, [*whole.problems, *findings.problems]

    def _keep(self, error: Exception) -> None:
        self._unchecked_until = time.monotonic() + UNCHECKED_SECONDS
        log.error("config_not_loaded", reason=str(error), version=self.version)
        measure("config", {"config_not_loaded": 1})


async def find_overlay(db: Runs) -> Overlay:
    """Read the overlay from Postgres."""
    rows = await find_config_rows(db)
    return Overlay(
        rows.version,
        {name: value for name, value in rows.sections.items() if isinstance(value, dict)},
        tuple(model for model in rows.models if isinstance(model, dict)),
        {name: value for name, value in rows.credentials.items() if isinstance(value, dict)},
        rows.read_mark,
    )


def vault_of(settings: Settings) -> Vault:
    """Return what opens the secrets in the database."""
    return Vault(settings.salt_key or settings.master_key, settings.previous_salt_keys)
