"""Drains killed at any moment lose and double nothing, nor do counters made meanwhile."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pytest

from shared.domain import Millis, Nanodollars, Scope
from shared.errors import StoreDown
from shared.ledger.drain import drain
from shared.storage import admission, stream
from shared.storage.admission import CounterSeed
from shared.storage.plans import Bearer
from shared.storage.seeds import budget_seeds
from tests.ledger.rows import NOON, SINCE, a_row, append, balanced, books

if TYPE_CHECKING:
    import psycopg

    from shared.settings import Settings
    from shared.storage.stores import Stores

ROOT = Path(__file__).parents[2]
NOW = Millis(NOON + 1_000)
COUNTER = "budget:team:t:-"

DRAINER = """
import asyncio, os, orjson
from shared.errors import StoreDown
from shared.ledger import drain as draining
from shared.settings import Settings
from shared.storage.stores import Stores

draining.BATCH = 7

async def main():
    stores = Stores.open(Settings(**orjson.loads(os.environ["DRAINER"])))
    print("ready", flush=True)
    while True:
        try:
            await draining.drain(stores, 0)
        except StoreDown:
            pass

asyncio.run(main())
"""


class Drainer:
    """A process that drains for ever, until it is killed."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DRAINER": orjson.dumps(asdict(settings)).decode(),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", DRAINER, env=self._environment, stdout=asyncio.subprocess.PIPE
        )
        assert self._process.stdout is not None
        await self._process.stdout.readline()

    async def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)
            # Reads what is left, so that the pipe's transport is closed.
            await self._process.communicate()


async def append_some(stores: Stores, count: int) -> None:
    for _ in range(count):
        await append(stores, a_row(3))
        await asyncio.sleep(0)


@pytest.mark.slow
async def test_drains_killed_at_random_book_every_row_once(
    settings: Settings, stores: Stores, direct: psycopg.Connection
) -> None:
    chance = random.Random(7)  # noqa: S311 - repeatable, not secret
    writer = asyncio.create_task(append_some(stores, 600))
    drainers = [Drainer(settings) for _ in range(2)]
    try:
        for _ in range(8):
            await asyncio.gather(*(drainer.start() for drainer in drainers))
            await asyncio.sleep(chance.uniform(0.0, 0.15))
            await asyncio.gather(*(drainer.kill() for drainer in drainers))
    finally:
        await asyncio.gather(*(drainer.kill() for drainer in drainers))
        await writer

    while await stream.length(stores.redis):
        await drain(stores, NOW)

    assert balanced(600, 1_800) == books(direct)


async def test_a_counter_made_while_drains_run_misses_and_doubles_nothing(
    stores: Stores, direct: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.ledger.drain.BATCH", 7)
    made: list[int] = []
    await append_for_counters(stores, 150)
    draining = asyncio.create_task(drain(stores, NOW))

    while not draining.done():
        with suppress(StoreDown):
            made.append(await make_counter(stores))
    await draining

    assert {1_000_000_000 + 150 * 3} == set(made)
    assert 150 == books(direct)[0]


async def append_for_counters(stores: Stores, count: int) -> None:
    """Put rows on the stream that say which counter bears them, as settle does."""
    for _ in range(count):
        row = a_row(3)
        fields = ["id", row.id, "spend", "3", "prompt_tokens", "1", "completion_tokens", "1"]
        fields += ["budgets", f"\n{COUNTER}\n{SINCE}\n", "row", orjson.dumps(row.details).decode()]
        await stores.redis.execute(["XADD", admission.LEDGER, "*", *fields])


async def make_counter(stores: Stores) -> int:
    """Make the team's counter from Postgres and the stream; return what it starts with."""
    await stores.redis.execute(["DEL", COUNTER])
    is_made = False
    while not is_made:
        team = Bearer(Scope.TEAM, "t")
        seeds = await budget_seeds(stores.postgres, [team])
        seed = seeds.by_bearer[team]
        counter = CounterSeed(COUNTER, seed.since, seed.spend)
        is_made = await admission.seed(stores.redis, seeds.position, [counter])
    spent = await stores.redis.execute(["HGET", COUNTER, "spent"])
    return Nanodollars(int(str(spent)))
