"""Function processes killed at any point leave every call they made in the ledger, once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from shared.domain import Millis
from shared.ledger.drain import drain
from shared.ledger.reconcile import reconcile
from shared.ledger.sweep import sweep
from shared.settings import Settings
from shared.storage import holds
from shared.storage.stores import Stores
from tests.faults.stage import DOLLAR, Outcome
from tests.gateway.given import MASTER_KEY, Given, model

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.door.server import DoorThread
    from tests.provider import Provider

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("TOLLGATE_KILLS", "500"))
NOW = Millis(0)

NURSERY = """
import asyncio, os, sys, orjson
from shared.auth.directory import Directory
from shared.config.live import LiveConfig
from shared.domain import Call, Endpoint
from shared.gateway.clock import system_now
from shared.gateway.gateway import Gateway
from shared.gateway.serve import serve
from shared.settings import Settings
from shared.spend.ids import uuid7
from shared.storage.stores import Stores
import shared.storage.connections, aiohttp, psycopg

told = orjson.loads(os.environ["NURSERY"])

async def function(name):
    settings = Settings(**told["settings"])
    stores = Stores.open(settings)
    live = LiveConfig.over(told["config"], settings, stores, {})
    gateway = Gateway(settings=settings, config=live.current, stores=stores,
                      directory=Directory(stores), live=live)
    for n in range(100):
        user = f"{name}-{n}"
        body = {"model": "gpt", "max_tokens": 20, "user": user,
                "messages": [{"role": "user", "content": "Hello"}]}
        call = Call(id=uuid7(system_now()), endpoint=Endpoint.CHAT, model="gpt", body=body,
                    end_user=user)
        answer = await serve(gateway, told["headers"], call, "/v1/chat/completions")
        await answer.finish()
        if n == 0:
            os.write(1, b"warm\\n")

print("ready", flush=True)
for line in sys.stdin:
    name = line.strip()
    pid = os.fork()
    if pid == 0:
        os.close(0)
        try:
            asyncio.run(function(name))
        finally:
            os._exit(0)
    print(pid, flush=True)
    os.waitpid(pid, 0)
    print("gone", flush=True)
"""


class Nursery:
    """A process with everything imported, which forks one function after another."""

    def __init__(self, settings: Settings, config: Any, headers: dict[str, str]) -> None:  # noqa: ANN401 - JSON
        told = {"settings": asdict(settings), "config": config, "headers": headers}
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "NURSERY": orjson.dumps(told).decode(),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            NURSERY,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert b"ready\n" == await self._line()

    async def function(self, name: str) -> int:
        """Start a function that makes calls until it is killed; return its process number."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(f"{name}\n".encode())
        return int(await self._numbered())

    async def warm(self) -> None:
        """Wait until the function has made its first call."""
        while (line := await self._line()) != b"warm\n":
            assert line not in (b"gone\n", b""), "the function has ended by itself"

    async def gone(self) -> None:
        """Wait until the function has ended."""
        while await self._line() != b"gone\n":
            pass

    async def stop(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.communicate()

    async def _numbered(self) -> bytes:
        while not (line := await self._line()).strip().isdigit():
            assert line, "the nursery has died"
        return line

    async def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        return await self._process.stdout.readline()


@pytest.fixture
async def clean(postgres_dsn: str, door: DoorThread) -> AsyncIterator[Stores]:
    stores = Stores.open(settings_of(postgres_dsn, door))
    yield stores
    await stores.close()


def settings_of(dsn: str, door: DoorThread) -> Settings:
    return Settings(
        master_key=MASTER_KEY,
        database_url=dsn,
        redis_url=door.url,
        redis_token=door.token,
        redis_try_seconds=5,
    )


async def test_five_hundred_kills_lose_and_double_nothing(
    found: dict[str, Outcome],
    postgres_dsn: str,
    door: DoorThread,
    provider: Provider,
    clean: Stores,
) -> None:
    chance = random.Random(11)  # noqa: S311 - repeatable, not secret
    key = await Given(clean).key(max_budget=1000)
    nursery = Nursery(
        settings_of(postgres_dsn, door),
        {"model_list": [model("gpt", provider.url)]},
        key.headers,
    )
    await nursery.start()
    try:
        for n in range(KILLS):
            pid = await nursery.function(f"f{n}")
            if n % 5:  # every fifth may die while it is still cold
                await nursery.warm()
            await asyncio.sleep(chance.uniform(0.0, 0.12))
            os.kill(pid, signal.SIGKILL)
            await nursery.gone()
            if n % 25 == 0:
                await books_close(clean)
    finally:
        await nursery.stop()

    await books_close(clean)

    outcome = await compared(clean, provider, key.hash)
    found["function killed (SIGKILL) at 500 random points"] = outcome
    assert outcome.is_clean, outcome
    assert outcome.requests > KILLS


async def test_a_function_that_was_frozen_past_its_deadline_is_booked_once(
    found: dict[str, Outcome],
    postgres_dsn: str,
    door: DoorThread,
    provider: Provider,
    clean: Stores,
) -> None:
    """It is frozen with calls under way, swept as lost, and goes on: each costs what it cost."""
    chance = random.Random(13)  # noqa: S311 - repeatable, not secret
    key = await Given(clean).key(max_budget=1000)
    config = {"model_list": [model("gpt", provider.url)]}
    nursery = Nursery(settings_of(postgres_dsn, door), config, key.headers)
    await nursery.start()
    try:
        for n in range(10):
            pid = await nursery.function(f"f{n}")
            await nursery.warm()
            await asyncio.sleep(chance.uniform(0.0, 0.05))
            os.kill(pid, signal.SIGSTOP)
            await books_close(clean)
            os.kill(pid, signal.SIGCONT)
            await provider.received(len(provider.requests) + 2)
            os.kill(pid, signal.SIGKILL)
            await nursery.gone()
    finally:
        await nursery.stop()

    await books_close(clean)

    outcome = await compared(clean, provider, key.hash)
    found["function frozen (SIGSTOP) past its deadline"] = outcome
    assert outcome.is_clean, outcome


async def books_close(clean: Stores) -> None:
    """Let every deadline pass and the schedules do their work."""
    for held in await holds.oldest(clean.redis, 10_000):
        await clean.redis.execute(["ZADD", "holds:0", "XX", 1, held])
    await sweep(clean, NOW)
    await drain(clean, NOW)
    await reconcile(clean, NOW)


async def compared(clean: Stores, provider: Provider, key: str) -> Outcome:
    """Compare whom the provider was asked for with the rows; counter, ledger and column too."""
    rows: Any = await clean.postgres.all(
        "select end_user, spend, status, metadata ? 'corrects' as corrects from litellm_spendlogs"
    )
    booked = Counter(row["end_user"] for row in rows if not row["corrects"])
    asked = {str(each.json["user"]) for each in provider.requests if "user" in each.json}
    spent = sum(int(row["spend"] * 10**9) for row in rows)
    words: Any = await clean.redis.execute(["HGETALL", f"budget:key:{key}:-"])
    counter = dict(zip(words[::2], words[1::2], strict=True))
    column: Any = await clean.postgres.one(
        "select spend * 1000000000 as spend from litellm_verificationtoken"
    )
    assert (spent, str(spent), "0") == (
        int(column["spend"]),
        counter["spent"],
        counter["reserved"],
    )
    return Outcome(
        requests=len(asked),
        answered=sum(1 for row in rows if row["status"] == "success"),
        lost=len(asked - booked.keys()),
        doubled=sum(count - 1 for count in booked.values()),
        overshoot=max(0, spent - 1000 * DOLLAR),
        worst_ms=0,
    )
