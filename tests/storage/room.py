"""A plan with one of everything, and what Redis holds when there is room for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.storage.given import (
    COUNTER,
    FOREVER,
    NOW_US,
    SINCE,
    TEAM_COUNTER,
    budget,
    lease,
    plan,
    policy,
    rate,
)

if TYPE_CHECKING:
    from shared.storage.redis import Runs

Command = list[str | int]

NOW_MS = NOW_US // 1000

FULL = plan(
    "full",
    policies=[policy(7)],
    budgets=[budget(limit=100), budget(TEAM_COUNTER, limit=100, at_limit=False)],
    rates=[rate(rpm=10, tpm=1000), rate(rpm=10, of="team:t1")],
    leases=[lease(2), lease(2, of="team:t1")],
    reservation=5,
    tokens=100,
)
"""A plan with one of everything, which has room in ROOM."""


def entry(version: int) -> Command:
    return ["SET", "key:k1", f'{{"version":{version},"blocked":true}}', "PX", 10_000]


def fence(number: int) -> Command:
    return ["SET", "key:k1", f'{{"fence":{number}}}', "PX", 10_000]


def spent(amount: int, reserved: int = 0, *, key: str = COUNTER, since: int = SINCE) -> Command:
    fields: Command = ["since", since, "spent", amount, "reserved", reserved, "mark", "given"]
    return ["HSET", key, *fields]


def used(requests: int, tokens: int = 0, *, of: str = "key:k1") -> Command:
    return ["HSET", f"ratelimit:{of}:now", "requests", requests, "tokens", tokens]


def leased(*ids: str, of: str = "key:k1", until: int = FOREVER) -> Command:
    return ["ZADD", f"parallel:{of}", *(word for each in ids for word in (until, each))]


def cooling(until: int = FOREVER, name: str = "d1") -> Command:
    return ["SET", f"cooldown:{name}", until, "PX", 10_000]


ROOM: list[Command] = [
    entry(7),
    spent(10, 5),
    spent(0, key=TEAM_COUNTER),
    used(3, 300),
    used(9, of="team:t1"),
    leased("another"),
    leased("dead", until=NOW_MS - 1),
    cooling(NOW_MS - 1),
]


async def given(redis: Runs, *commands: Command) -> None:
    for command in commands:
        await redis.execute(command)
