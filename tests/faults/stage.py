"""A gateway under load while something breaks, and the books afterwards."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import httpx

from shared.domain import Millis
from shared.errors import StoreDown
from shared.ledger.drain import drain
from shared.ledger.reconcile import reconcile
from shared.ledger.replay import replay
from shared.ledger.sweep import sweep
from shared.storage import holds

if TYPE_CHECKING:
    import pytest

    from local.door.server import DoorThread
    from local.postgres import Postgres
    from shared.gateway.gateway import Gateway
    from shared.storage.stores import Stores
    from tests.faults.tcp_proxy import TcpProxy
    from tests.gateway.given import GivenKey
    from tests.provider import Provider

CHAT = "/v1/chat/completions"
NOW = Millis(0)
DOLLAR = 10**9
TIGHT = 3_000_000
"""A budget, in nanodollars, that bears some forty of the calls, and no more."""

WARM_UP = "r0"


@dataclass(frozen=True)
class Outcome:
    """What one fault did: requests made, rows lost and doubled, budget overshot, worst wait."""

    requests: int
    answered: int
    lost: int
    doubled: int
    overshoot: int
    worst_ms: float

    @property
    def is_clean(self) -> bool:
        return (self.lost, self.doubled, self.overshoot) == (0, 0, 0)


@dataclass
class Stage:
    """One gateway, its stores behind proxies, a provider, and a key with a budget."""

    gateway: Gateway
    client: httpx.AsyncClient
    key: GivenKey
    provider: Provider
    door: DoorThread
    postgres: Postgres
    redis_line: TcpProxy
    postgres_line: TcpProxy
    clean: Stores
    capsys: pytest.CaptureFixture[str]
    budget: int
    waits: list[float] = field(default_factory=list[float])
    replies: dict[str, int] = field(default_factory=dict[str, int])
    log: list[bytes] = field(default_factory=list[bytes])

    async def call(self, name: str, *, stream: bool = False, leaves: bool = False) -> int:
        """Make one call that is known by its end user; 0 when its caller left or was hung up on."""
        body = {
            "model": "gpt",
            "messages": [{"role": "user", "content": "Hello"}],
            "max_tokens": 20,
            "user": name,
            "stream": stream,
        }
        began, status = time.monotonic(), 0
        try:
            async with self.client.stream(
                "POST", CHAT, json=body, headers=self.key.headers
            ) as reply:
                status = reply.status_code
                async for _ in reply.aiter_bytes():
                    if leaves:
                        break
        except httpx.TransportError:
            status = 0
        self.waits.append((time.monotonic() - began) * 1000)
        self.replies[name] = status
        return status

    async def calls(self, count: int, *, at_once: int = 8, **how: bool) -> list[int]:
        """Make that many, some at once."""
        gate = asyncio.Semaphore(at_once)
        first = len(self.replies)

        async def one(n: int) -> int:
            async with gate:
                return await self.call(f"r{n}", **how)

        return await asyncio.gather(*(one(first + n) for n in range(count)))

    @property
    def statuses(self) -> set[int]:
        """How calls were answered."""
        return set(self.replies.values())

    async def settle_down(self) -> None:
        """Heal everything and let the schedules do their work until nothing is left to do."""
        self.door.faults.clear()
        self.redis_line.set("pass")
        self.postgres_line.set("pass")
        self.provider.release()
        await self._quiet()
        self.log += self.capsys.readouterr().out.encode().splitlines()
        await replay(self.clean, self.log)
        for _ in range(3):
            for held in await holds.oldest(self.clean.redis, 10_000):
                await self.clean.redis.execute(["ZADD", "holds:0", "XX", 1, held])
            await sweep(self.clean, NOW)
            await drain(self.clean, NOW)
            await reconcile(self.clean, NOW)

    async def _quiet(self) -> None:
        """Wait until no call runs that could still settle."""
        async with asyncio.timeout(60):
            while True:
                try:
                    before = await self._books()
                    await asyncio.sleep(0.3)
                    if before == await self._books():
                        return
                except StoreDown:
                    await asyncio.sleep(0.2)

    async def _books(self) -> tuple[object, ...]:
        found: Any = await self.clean.postgres.one("select count(*) as n from litellm_spendlogs")
        stream = await self.clean.redis.execute(["XLEN", "ledger:0"])
        return found["n"], stream, await holds.count(self.clean.redis)

    async def outcome(self) -> Outcome:
        """Compare what the provider answered with the ledger, and that with counter and column."""
        await self.settle_down()
        rows: Any = await self.clean.postgres.all(
            "select end_user, spend, metadata ? 'corrects' as corrects from litellm_spendlogs"
        )
        booked = Counter(
            row["end_user"] for row in rows if row["spend"] != 0 and not row["corrects"]
        )
        asked = {str(each.json["user"]) for each in self.provider.requests if "user" in each.json}
        billed = {name for name in asked if self.replies.get(name) in (200, 0)}
        spent = sum(int(row["spend"] * 10**9) for row in rows)
        await self._agree(spent)
        return Outcome(
            requests=len(self.waits),
            answered=sum(status == 200 for name, status in self.replies.items() if name != WARM_UP),
            lost=len(billed - booked.keys()),
            doubled=sum(count - 1 for count in booked.values()),
            overshoot=max(0, spent - self.budget),
            worst_ms=max(self.waits, default=0),
        )

    async def _agree(self, spent: int) -> None:
        """Counter = ledger = column, and nothing is reserved."""
        words = cast(
            "list[str]",
            await self.clean.redis.execute(["HGETALL", f"budget:key:{self.key.hash}:-"]),
        )
        counter = dict(zip(words[::2], words[1::2], strict=True))
        column: Any = await self.clean.postgres.one(
            "select spend * 1000000000 as spend from litellm_verificationtoken"
            " where token = %(id)s",
            id=self.key.hash,
        )
        assert spent == int(column["spend"])
        if counter:  # one that was evicted is made from the column by the next call
            assert (str(spent), "0") == (counter["spent"], counter["reserved"])
