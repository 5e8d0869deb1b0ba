"""The drain: how fast a backlog is booked, beside a bare batch insert of the same rows.

`./tollgate bench drain` fills the stream with an hour of 100 requests a second, drains it, and
inserts the same rows in the same batches into a copy of the ledger's table with nothing beside.
Once the rows are spread over a thousand keys, once all are of one key. Then calls are admitted and
settled, before and during another drain: what they wait is printed as a ratio too.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson
import psycopg

from local.door.server import DoorThread
from local.postgres import Postgres
from local.reaper import Reaper
from local.valkey import Valkey
from shared.domain import Millis, Nanodollars
from shared.ledger import drain as draining
from shared.settings import Settings
from shared.spend.ids import correction_id, uuid7
from shared.storage import stream
from shared.storage.admission import Admitted, Held, admit, settle
from shared.storage.plans import BudgetLine, Lost, Plan, Settlement
from shared.storage.stores import Stores

if TYPE_CHECKING:
    from shared.storage.redis import Redis

ROOT: Final = Path(__file__).resolve().parents[1]
AN_HOUR: Final = 360_000
KEYS: Final = 1_000
SINCE: Final = 1_795_478_400_000
TOLD: Final = "TOLLGATE_BENCH_DRAIN"
SECONDS_BETWEEN_CALLS: Final = 0.02
SHARE_BESIDE: Final = 4
"""Calls are made beside the drain of so much less: enough for a median."""

# Rows as settle appends them, made inside Redis: over HTTP they would take longer than the drain.
FILL: Final = """
local template, keys = ARGV[1], tonumber(ARGV[4])
local first, count = tonumber(ARGV[2]), tonumber(ARGV[3])
for n = first, first + count - 1 do
  local id = string.format('%s-7%03x-8%03x-%012x', ARGV[5], n % 4096, math.floor(n / 4096), n)
  local row = string.gsub(template, 'KEY', 'k' .. (n % keys))
  redis.call('XADD', 'ledger:0', '*', 'id', id, 'spend', '123456789', 'prompt_tokens', '100',
    'completion_tokens', '50', 'budgets', '\\n', 'row', row)
end
return count
"""

BARE: Final = """
insert into bare (
    id, request_id, call_type, api_key, spend, total_tokens, prompt_tokens, completion_tokens,
    start_time, end_time, model, model_group, custom_llm_provider, "user", team_id, metadata,
    status, request_tags, since
)
select
    id, request_id, call_type, api_key, nanodollars * 0.000000001,
    prompt_tokens + completion_tokens, prompt_tokens, completion_tokens, tollgate_time_of(id),
    to_timestamp(end_ms / 1000.0), model, model_group, custom_llm_provider, "user", team_id,
    metadata, metadata ->> 'status', request_tags, since
from jsonb_to_recordset(%(rows)s::jsonb) as entry (
    id uuid, request_id text, call_type text, api_key text, nanodollars numeric,
    prompt_tokens integer, completion_tokens integer, end_ms bigint, model text, model_group text,
    custom_llm_provider text, "user" text, team_id text, metadata jsonb, request_tags text[],
    since jsonb
)
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Rows a second by the drain and the bare insert; a call's ms, alone and beside the drain."""

    drained: float
    bare: float
    alone_ms: float
    beside_ms: float


def main() -> None:
    """Measure both kinds of backlog and print the ratios."""
    parser = argparse.ArgumentParser(prog="./tollgate bench drain")
    parser.add_argument("--rows", type=int, default=AN_HOUR, help="how long the backlog is")
    rows: int = parser.parse_args().rows
    print(f"{rows:,} rows, batches of {draining.BATCH}")
    for name, keys in ((f"{KEYS} keys", KEYS), ("one hot key", 1)):
        found = _measure(rows, keys)
        print(
            f"{name:<12} drain {found.drained:>8,.0f} rows/s"
            f"   bare insert {found.bare:>8,.0f} rows/s   ratio {found.drained / found.bare:.2f}"
        )
        print(
            f"{'':<12} admit + settle: alone {found.alone_ms:.1f} ms, during the drain"
            f" {found.beside_ms:.1f} ms   ratio {found.beside_ms / found.alone_ms:.2f}"
        )


def _measure(rows: int, keys: int) -> Measured:
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        home.chmod(0o711)  # Postgres may run as another user
        reaper = Reaper()
        stack.callback(reaper.close)
        postgres, valkey = Postgres(home / "postgres", reaper), Valkey(home / "valkey", reaper)
        for server in (postgres, valkey):
            server.start()
            stack.callback(server.stop)
        door = DoorThread(valkey.port, valkey.password, token="bench")  # noqa: S106 - loopback
        door.start()
        stack.callback(door.stop)
        with psycopg.connect(postgres.url, autocommit=True) as direct:
            direct.execute((ROOT / "schema.sql").read_bytes())
            _give_keys(direct, keys)
        settings = Settings(
            master_key="sk-bench",
            database_url=postgres.url,
            redis_url=door.url,
            redis_token=door.token,
            redis_try_seconds=30,
        )
        return asyncio.run(_run(settings, rows, keys))


async def _run(settings: Settings, rows: int, keys: int) -> Measured:
    stores = Stores.open(settings)
    try:
        batches = await _fill(stores.redis, rows, keys)
        process = await _start_drain(settings)
        await process.wait()
        drained = float(await process.stdout.read() if process.stdout else b"")
        await _fill(stores.redis, rows // SHARE_BESIDE, keys)
        alone = await _calls(stores.redis, until=None)
        process = await _start_drain(settings)
        beside = await _calls(stores.redis, until=asyncio.create_task(process.wait()))
    finally:
        await stores.close()
    bare = await asyncio.to_thread(_insert_bare, settings.database_url, batches)
    return Measured(rows / drained, rows / bare, alone, beside)


async def _fill(redis: Redis, rows: int, keys: int) -> list[str]:
    """Fill the stream; return the same rows as the batches that Postgres is sent."""
    now = Millis(time.time_ns() // 1_000_000)
    prefix = f"{now:012x}"
    stamp = f"{prefix[:8]}-{prefix[8:]}"
    details = {
        "request_id": "chatcmpl-bench",
        "call_type": "acompletion",
        "api_key": "KEY",
        "model": "gpt-4o",
        "model_group": "fast",
        "custom_llm_provider": "openai",
        "user": "u",
        "team_id": "t",
        "end_ms": now + 900,
        "metadata": {"status": "success"},
        "request_tags": ["bench"],
        "since": {"key": SINCE, "user": SINCE, "team": SINCE, "team_member": SINCE},
    }
    template = orjson.dumps(details).decode()
    for first in range(0, rows, 5_000):
        count = min(5_000, rows - first)
        await redis.execute(["EVAL", FILL, 0, template, first, count, keys, stamp])
    return [
        "["
        + ",".join(
            orjson.dumps(
                {
                    **details,
                    "api_key": f"k{n % keys}",
                    "id": f"{stamp}-7{n % 4096:03x}-8{n // 4096:03x}-{n:012x}",
                    "nanodollars": 123456789,
                    "prompt_tokens": 100,
                    "completion_tokens": 50,
                }
            ).decode()
            for n in range(first, min(first + draining.BATCH, rows))
        )
        + "]"
        for first in range(0, rows, draining.BATCH)
    ]


async def _start_drain(settings: Settings) -> asyncio.subprocess.Process:
    """Drain in a process of its own, as the ledger function does."""
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bench.drain import drain_all; drain_all()",
        cwd=ROOT,
        env={**os.environ, TOLD: orjson.dumps(asdict(settings)).decode()},
        stdout=asyncio.subprocess.PIPE,
    )


def drain_all() -> None:
    """Drain until nothing waits; print how many seconds that took."""

    async def run() -> float:
        stores = Stores.open(Settings(**orjson.loads(os.environ[TOLD])))
        began = time.perf_counter()
        # The calls beside append rows of their own.
        while await stream.length(stores.redis) > draining.BATCH:
            await draining.drain(stores, Millis(0))
        await draining.drain(stores, Millis(0))
        took = time.perf_counter() - began
        await stores.close()
        return took

    print(asyncio.run(run()))


async def _calls(redis: Redis, until: asyncio.Task[int] | None) -> float:
    """Admit and settle a call every 20 ms, 200 times or until it is done; the median's ms."""
    waits: list[float] = []
    while len(waits) < 200 if until is None else not until.done():  # noqa: PLR2004 - enough
        began = time.perf_counter()
        await _call(redis)
        waits.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(SECONDS_BETWEEN_CALLS)
    return statistics.median(waits) if waits else 0.0


async def _call(redis: Redis) -> None:
    now = Millis(time.time_ns() // 1_000_000)
    request_id = uuid7(now)
    details = {"call_type": "bench", "api_key": "beside", "request_id": request_id}
    row = orjson.dumps({**details, "metadata": {"status": "success"}})
    line = BudgetLine("budget:key:beside:-", Millis(0), Nanodollars(0), None, refuses_at_limit=True)
    plan = Plan(
        request_id=request_id,
        valid_from=Millis(0),
        valid_until=Millis(2**53),
        policies=(),
        budgets=(line,),
        rates=(),
        leases=(),
        candidates=(),
        tokens=0,
        lost=Lost(row.decode(), 0, 0),
    )
    if not isinstance(await admit(redis, plan), Admitted):
        raise TypeError("a call without limits was refused")
    settlement = Settlement(
        cost=Nanodollars(0),
        prompt_tokens=0,
        completion_tokens=0,
        row=row.decode(),
        correction_id=correction_id(request_id),
        outcome=None,
    )
    await settle(redis, Held.by(plan), settlement)


def _give_keys(direct: psycopg.Connection, keys: int) -> None:
    began = "to_timestamp(%s / 1000.0)"
    direct.execute(
        f"insert into litellm_teamtable (team_id, budget_started_at) values ('t', {began})",  # noqa: S608 - ours
        [SINCE],
    )
    direct.execute(
        f"insert into litellm_usertable (user_id, budget_started_at) values ('u', {began})",  # noqa: S608 - ours
        [SINCE],
    )
    direct.execute(
        "insert into litellm_verificationtoken (token, user_id, team_id, budget_started_at)"  # noqa: S608 - ours
        f" select 'k' || n, 'u', 't', {began} from generate_series(0, %s) as n",
        [SINCE, keys - 1],
    )


def _insert_bare(url: str, batches: list[str]) -> float:
    """Insert the batches, a transaction each, into the ledger's table without all the rest."""
    with psycopg.connect(url, autocommit=True) as direct:
        direct.execute("create table bare (like litellm_spendlogs including all)")
        began = time.perf_counter()
        for batch in batches:
            direct.execute(BARE, {"rows": batch})
        return time.perf_counter() - began


if __name__ == "__main__":
    main()
