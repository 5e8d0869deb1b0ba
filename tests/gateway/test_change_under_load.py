"""The configuration changes under load: nobody sees half of it, none fails, all use it next."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import orjson

from shared.config.live import find_overlay
from shared.storage.admin_changes import next_version
from shared.storage.config_entries import fence_config, publish_overlay
from tests.gateway.given import model
from tests.gateway.processes import processes

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from local.door.server import DoorThread
    from shared.storage.stores import Stores
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

CHANGES = 12
WORKERS = 3
CALL: dict[str, Any] = {"model": "live", "messages": [{"role": "user", "content": "Hello"}]}


async def change(stores: Stores, generation: int, base: str) -> None:
    """Put a new model in the place of the last one and let the alias follow, in one transaction.

    Who saw half of it would be led to a model that is not there.
    """
    name = f"generation-{generation}"
    entry: Any = model(name, base)
    alias = {"model_group_alias": {"live": name}}
    async with stores.postgres.transaction() as transaction:
        number = await next_version(transaction)
        await transaction.run("delete from litellm_proxymodeltable")
        await transaction.run(
            "insert into litellm_proxymodeltable (model_id, model_name, litellm_params) "
            "values (%(name)s, %(name)s, %(params)s::text::jsonb)",
            name=name,
            params=orjson.dumps(entry["litellm_params"]).decode(),
        )
        await transaction.run(
            "insert into litellm_config (config_name, config_value) "
            "values ('router_settings', %(value)s::text::jsonb) "
            "on conflict (config_name) do update set config_value = excluded.config_value",
            value=orjson.dumps(alias).decode(),
        )
        overlay = await find_overlay(transaction)
        await fence_config(stores.redis, number)
    await publish_overlay(stores.redis, overlay.version, overlay.render())


async def ask(client: httpx.AsyncClient, key: GivenKey) -> httpx.Response:
    return await client.post("/v1/chat/completions", json=CALL, headers=key.headers)


async def test_no_request_fails_and_the_next_one_of_every_process_uses_the_change(
    given: Given, provider: Provider, door: DoorThread, postgres_dsn: str, tmp_path: Path
) -> None:
    key = await given.key()
    await change(given.stores, 0, provider.url)
    is_over = asyncio.Event()

    async def load(client: httpx.AsyncClient) -> list[int]:
        statuses: list[int] = []
        while not is_over.is_set():
            statuses.append((await ask(client, key)).status_code)
        return statuses

    async with processes(2, {}, tmp_path, door, postgres_dsn) as clients:
        running = [asyncio.create_task(load(client)) for client in clients for _ in range(WORKERS)]
        used: list[list[str]] = []
        for generation in range(1, CHANGES + 1):
            await change(given.stores, generation, provider.url)
            replies = await asyncio.gather(*(ask(client, key) for client in clients))
            used.append([reply.headers["x-litellm-model-id"] for reply in replies])
        is_over.set()
        statuses = [status for each in await asyncio.gather(*running) for status in each]

    assert {200} == set(statuses)
    assert CHANGES * WORKERS <= len(statuses)
    assert [[f"generation-{n}"] * 2 for n in range(1, CHANGES + 1)] == used
