"""Whether a deployment rests, counted by the real script in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.domain import Millis
from shared.storage.attempts import HoldGone, attempt
from shared.storage.plans import COUNT_ALONE, Cooling, Lost, Outcome, Plan
from shared.storage.redis import Redis
from shared.transport.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from local.door.server import DoorThread

WINDOW, COOLDOWN = "ratelimit:deployment:one:2026-01-15T10:05", "cooldown:one"


@pytest.fixture
async def books(door: DoorThread) -> AsyncIterator[Redis]:
    client = Client()
    yield Redis(client, door.url, door.token, try_seconds=5)
    await client.close()


async def fail(books: Redis, cooling: Cooling) -> None:
    """Book one failure; no request is held, so the script only counts."""
    plan = Plan(
        request_id="1",
        valid_from=Millis(0),
        valid_until=Millis(0),
        policies=(),
        budgets=(),
        rates=(),
        leases=(),
        candidates=(),
        tokens=0,
        lost=Lost("{}", 0, 0),
    )
    outcome = Outcome(WINDOW, COOLDOWN, failed=True, cooling=cooling)
    with pytest.raises(HoldGone):
        await attempt(books, plan, outcome, number=2, candidates=[])


async def rests(books: Redis) -> bool:
    return await books.execute(["EXISTS", COOLDOWN]) == 1


async def test_allowed_failures_are_counted_alone_however_many_requests_went_well(
    books: Redis,
) -> None:
    await books.execute(["HSET", WINDOW, "ended", 1_000])
    more_than_two = Cooling(30, least_requests=3, percent=COUNT_ALONE)

    resting: list[bool] = []
    for _ in range(3):
        await fail(books, more_than_two)
        resting.append(await rests(books))

    assert [False, False, True] == resting


async def test_a_share_of_failures_counts_from_the_least_number_of_requests_on(
    books: Redis,
) -> None:
    await books.execute(["HSET", WINDOW, "ended", 2])

    resting: list[bool] = []
    for _ in range(3):
        await fail(books, Cooling(30, least_requests=5, percent=50))
        resting.append(await rests(books))

    assert [False, False, True] == resting


async def test_a_half_that_failed_is_not_more_than_half(books: Redis) -> None:
    await books.execute(["HSET", WINDOW, "ended", 9, "failures", 4])

    await fail(books, Cooling(30, least_requests=5, percent=50))

    assert not await rests(books)


async def test_no_seconds_means_no_rest(books: Redis) -> None:
    await fail(books, Cooling(0, at_once=True))

    assert not await rests(books)
