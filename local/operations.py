"""Look after a gateway from the command line: show its deployments, replace its keys."""

from __future__ import annotations

import asyncio
import json
import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from local.data_directory import STACK_FILE
from shared.admin.rotation import rotate_secrets
from shared.config.live import find_overlay, vault_of
from shared.config.loading import read_config, read_file
from shared.config.overlay import Overlay, merged
from shared.errors import StoreDown
from shared.ledger.replay import replay
from shared.settings import Settings
from shared.storage.config_entries import standing_overlay
from shared.storage.deployment_state import deployment_states
from shared.storage.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shared.domain import Deployment
    from shared.ledger.replay import ReplayReport
    from shared.storage.deployment_state import DeploymentState

COLUMNS = "{:<28} {:<34} {:<22} {:>6} {:>10}  {}"


class NotRunning(Exception):  # noqa: N818 - reads as a sentence
    """No gateway runs in that directory."""


def show_models(data: Path) -> None:
    """Print one line a deployment."""
    settings = _settings_of(data)
    try:
        found = asyncio.run(_states(settings))
    except StoreDown as error:
        raise NotRunning(error.message) from error
    print(COLUMNS.format("MODEL", "DEPLOYMENT", "STATE", "ACTIVE", "LATENCY", "CALLS"))
    for deployment, state in found:
        print(_line(deployment, state))


def rotate() -> int:
    """Seal every secret of the environment's database anew; return how many were."""
    settings = Settings.from_environment()

    async def run() -> int:
        stores = Stores.open(settings)
        try:
            return await rotate_secrets(stores, vault_of(settings))
        finally:
            await stores.close()

    return asyncio.run(run())


def replay_journal(lines: Iterable[bytes], data: Path | None) -> ReplayReport:
    """Book the journal lines among these: in the environment's database, or of `data`'s `up`."""
    settings = Settings.from_environment() if data is None else _settings_of(data)

    async def run() -> ReplayReport:
        stores = Stores.open(settings)
        try:
            return await replay(stores, lines)
        finally:
            await stores.close()

    return asyncio.run(run())


def _settings_of(data: Path) -> Settings:
    """Say how the gateway that runs in a directory reaches its stores; raise NotRunning."""
    try:
        stack = json.loads((data / STACK_FILE).read_text())
    except (OSError, ValueError) as error:
        raise NotRunning(f"No gateway runs in {data}; start one with ./tollgate up.") from error
    return Settings(
        master_key=stack["master_key"],
        database_url=stack["database_url"],
        redis_url=stack["redis_rest_url"],
        redis_token=stack["redis_rest_token"],
        config_path=str(data / "config.json"),
        salt_key=os.environ.get("LITELLM_SALT_KEY", ""),
        redis_try_seconds=2,
    )


async def _states(settings: Settings) -> list[tuple[Deployment, DeploymentState]]:
    stores = Stores.open(settings)
    try:
        text = await standing_overlay(stores.redis)
        overlay = Overlay.parse(text) if text is not None else None
        overlay = overlay or await find_overlay(stores.postgres)
        whole = merged(read_file(settings.config_path), overlay, vault_of(settings))
        # Without an environment: the gateway's variables are not this command's, nor needed here.
        deployments = read_config(whole.data, None)[0].deployments
        states = await deployment_states(stores.redis, [d.id for d in deployments])
        return list(zip(deployments, states, strict=True))
    finally:
        await stores.close()


def _line(deployment: Deployment, state: DeploymentState) -> str:
    is_cooling = state.cooling_until is not None and state.cooling_until > time.time() * 1000
    until = datetime.fromtimestamp((state.cooling_until or 0) / 1000, UTC)
    return COLUMNS.format(
        deployment.model_group,
        deployment.id[:32],
        f"cooling to {until:%H:%M:%S}" if is_cooling else "ready",
        state.active,
        "-" if state.latency_ms is None else f"{state.latency_ms:.0f} ms",
        f"{deployment.provider}/{deployment.model}",
    )
