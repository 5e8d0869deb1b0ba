"""Each fault of docs/money.md, really caused under load: nothing lost, doubled or overspent."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import psycopg
import pytest

from shared.domain import Millis
from shared.errors import StoreDown
from shared.gateway import clock
from shared.ledger.drain import drain
from tests.faults.stage import NOW
from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from local.door.faults import Kind
    from local.valkey import Valkey
    from tests.faults.stage import Outcome, Stage
    from tests.faults.tcp_proxy import Mode

    Start = Callable[..., Awaitable[Stage]]
    Tell = Callable[[str, Stage], Awaitable[Outcome]]

pytestmark = pytest.mark.slow

GRACE = {"litellm_settings": {"redis_down": "grace", "both_down": "journal"}}


@pytest.fixture
def tell(found: dict[str, Outcome]) -> Tell:
    """Close the books on a stage, note the outcome under the fault's name, and judge it."""

    async def close(name: str, stage: Stage) -> Outcome:
        outcome = await stage.outcome()
        found[name] = outcome
        assert outcome.is_clean, outcome
        return outcome

    return close


async def drained(stage: Stage) -> None:
    """Let the ledger function try, as it would each minute."""
    try:
        await drain(stage.gateway.stores, NOW)
    except StoreDown:
        return


async def test_postgres_killed(stage: Start, tell: Tell) -> None:
    it = await stage()
    load = asyncio.create_task(it.calls(60))
    await asyncio.sleep(0.1)
    await asyncio.to_thread(it.postgres.stop)
    await asyncio.gather(drained(it), load)
    await asyncio.to_thread(it.postgres.start)

    outcome = await tell("Postgres killed and restarted", it)

    assert outcome.answered > 20
    assert {200, 422} == it.statuses


async def test_postgres_has_no_connection_left(stage: Start, tell: Tell) -> None:
    it = await stage()
    load = asyncio.create_task(it.calls(60))
    await asyncio.sleep(0.1)
    taken = await asyncio.to_thread(all_connections, it.postgres.url)
    with ExitStack() as stack:
        for connection in taken:
            stack.enter_context(connection)
        await asyncio.gather(drained(it), load)

    outcome = await tell("Postgres at its connection limit", it)

    assert taken
    assert outcome.answered > 20
    assert {200, 422} == it.statuses


def all_connections(url: str) -> list[psycopg.Connection]:
    """Connect until Postgres takes no more."""
    taken: list[psycopg.Connection] = []
    with suppress(psycopg.OperationalError):
        while True:
            taken.append(psycopg.connect(url))
    return taken


@pytest.mark.parametrize(
    ("name", "minutes"), [("clock five minutes fast", 5), ("clock five minutes slow", -5)]
)
async def test_a_clock_is_off(
    stage: Start, tell: Tell, monkeypatch: pytest.MonkeyPatch, name: str, minutes: int
) -> None:
    it = await stage()
    real = clock.system_now
    monkeypatch.setattr(clock, "system_now", lambda: Millis(real() + minutes * 60_000))
    await it.calls(60)

    outcome = await tell(name, it)

    assert outcome.answered > 20
    assert {200, 422} == it.statuses


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("Postgres refuses connections", "refuse"),
        ("Postgres silent", "silent"),
        ("Postgres slow", "slow"),
    ],
)
async def test_postgres_line(stage: Start, tell: Tell, name: str, mode: Mode) -> None:
    it = await stage()
    it.postgres_line.set(mode)
    await asyncio.gather(it.calls(60), drained(it))

    outcome = await tell(name, it)

    assert outcome.answered > 20
    assert {200, 422} == it.statuses


async def test_sessions_terminated(stage: Start, tell: Tell, victim_dsn: str) -> None:
    it = await stage()

    def terminate() -> None:
        with psycopg.connect(victim_dsn, autocommit=True) as superuser:
            superuser.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = 'faults' and pid <> pg_backend_pid()"
            )

    load = asyncio.create_task(it.calls(60))
    while not load.done():
        await asyncio.gather(drained(it), asyncio.to_thread(terminate))
    await load

    await tell("Postgres sessions terminated while it books", it)


async def test_read_only(stage: Start, tell: Tell, victim_dsn: str) -> None:
    it = await stage()
    switch = "alter database faults set default_transaction_read_only = "
    with psycopg.connect(victim_dsn, autocommit=True) as superuser:
        superuser.execute((switch + "on").encode())
    it.postgres_line.set("pass")  # new sessions learn of it
    await asyncio.gather(it.calls(60), drained(it))
    with psycopg.connect(victim_dsn, autocommit=True) as superuser:
        superuser.execute("set default_transaction_read_only = off")
        superuser.execute((switch + "off").encode())

    await tell("Postgres turned read-only", it)


async def test_locked(stage: Start, tell: Tell, victim_dsn: str) -> None:
    it = await stage()
    with psycopg.connect(victim_dsn) as migration:
        migration.execute("set lock_timeout = '5s'; lock table litellm_spendlogs in exclusive mode")
        await it.calls(60)
        draining = asyncio.create_task(drained(it))
        await asyncio.sleep(0.3)
    await draining

    await tell("ledger table locked by a migration", it)


@pytest.mark.parametrize("mode", ["refuse", "silent"])
@pytest.mark.parametrize("policy", ["closed", "grace"])
async def test_redis_line(stage: Start, tell: Tell, mode: Mode, policy: str) -> None:
    it = await stage(**(GRACE if policy == "grace" else {}))
    load = asyncio.create_task(it.calls(30))
    await asyncio.sleep(0.05)
    it.redis_line.set(mode)
    await load
    await it.calls(30)
    it.redis_line.set("pass")

    words = {"refuse": "refuses connections", "silent": "silent"}[mode]
    outcome = await tell(f"Redis {words}, {policy}", it)

    assert policy == "closed" or outcome.answered > 30


async def test_redis_cut(stage: Start, tell: Tell) -> None:
    it = await stage(**GRACE)
    load = asyncio.create_task(it.calls(60))
    while not load.done():
        it.redis_line.set("cut")
        await asyncio.sleep(0.02)
        it.redis_line.set("pass")
        await asyncio.sleep(0.05)
    await load

    await tell("Redis connections cut in the middle", it)


async def test_redis_slow(stage: Start, tell: Tell) -> None:
    it = await stage()
    it.redis_line.set("slow")
    await it.calls(60)

    await tell("Redis slow", it)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Redis answers 429", "status_429"),
        ("Redis answers 500", "status_500"),
        ("Redis answers a web page", "html_502"),
        ("Redis loses requests", "drop_before"),
        ("Redis loses replies", "drop_after"),
    ],
)
async def test_redis_door(stage: Start, tell: Tell, name: str, kind: Kind) -> None:
    it = await stage(**GRACE)
    it.door.faults.add(kind, times=None, probability=0.3)
    await it.calls(60)

    outcome = await tell(name, it)

    assert outcome.answered > 0


async def test_scripts_forgotten(stage: Start, tell: Tell) -> None:
    it = await stage()
    load = asyncio.create_task(it.calls(60))
    while not load.done():
        await it.clean.redis.execute(["SCRIPT", "FLUSH"])
        await asyncio.sleep(0.03)
    await load

    outcome = await tell("Redis forgets its scripts", it)

    assert outcome.answered > 20
    assert {200, 422} == it.statuses


async def test_evicted(stage: Start, tell: Tell) -> None:
    it = await stage()
    load = asyncio.create_task(it.calls(60))
    while not load.done():
        for key in (f"budget:key:{it.key.hash}:-", f"key:{it.key.hash}"):
            await it.clean.redis.execute(["DEL", key])
        await asyncio.sleep(0.05)
    await load

    await tell("counters and policies evicted", it)


async def test_out_of_memory(stage: Start, tell: Tell, valkey: Valkey) -> None:
    it = await stage(**GRACE)
    load = asyncio.create_task(it.calls(60))
    await asyncio.sleep(0.1)
    valkey._ask("CONFIG SET maxmemory 1")
    try:
        await load
    finally:
        valkey._ask("CONFIG SET maxmemory 0")

    await tell("Redis out of memory", it)


async def test_stream_full(stage: Start, tell: Tell) -> None:
    it = await stage(litellm_settings={"ledger_stream_rows": 5})
    await it.calls(60)

    outcome = await tell("ledger stream full", it)

    assert outcome.answered > 20
    assert {200, 422} == it.statuses


async def test_both_down(stage: Start, tell: Tell) -> None:
    it = await stage(**GRACE)
    it.redis_line.set("refuse")
    it.postgres_line.set("refuse")
    await it.calls(30)

    outcome = await tell("both stores down, journal", it)

    assert 30 == outcome.answered


@pytest.mark.parametrize(
    ("name", "behaviour", "how"),
    [
        ("provider answers 429", Behaviour(status=429), {}),
        ("provider answers 500", Behaviour(status=500), {}),
        ("provider resets before the head", Behaviour(resets=-1), {}),
        ("provider resets in the middle", Behaviour(resets=2), {"stream": True}),
        ("provider tells no usage", Behaviour(has_usage=False), {"stream": True}),
        ("provider answers 9 MB", Behaviour(body=b'{"id":"' + b"x" * (9 << 20) + b'"}'), {}),
        (
            "provider sends a line of 9 MB",
            Behaviour(chunks=[b"data: " + b"x" * (9 << 20) + b"\n\n"]),
            {"stream": True},
        ),
        (
            "provider's stream is malformed",
            Behaviour(chunks=[b"data: {nonsense\n\n", b"data: [DONE]\n\n"]),
            {"stream": True},
        ),
    ],
)
async def test_provider(
    stage: Start, tell: Tell, name: str, behaviour: Behaviour, how: dict[str, bool]
) -> None:
    it = await stage()
    it.provider.next(*(behaviour, Behaviour()) * 30)
    await it.calls(40, **how)

    await tell(name, it)


async def test_callers_leave(stage: Start, tell: Tell) -> None:
    it = await stage()
    it.provider.default = Behaviour(seconds_between_chunks=0.02)
    await it.calls(40, stream=True, leaves=True)

    await tell("callers leave in the middle", it)
