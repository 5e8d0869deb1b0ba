"""Two hundred callers at once while stores are away or come and go: the bounds hold."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.provider import Behaviour

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.domain import Json
    from tests.faults.stage import Stage

    Start = Callable[..., Awaitable[Stage]]

pytestmark = pytest.mark.slow

CALLERS = 200
EXPOSURE = 8_000_000
"""What some twenty of the calls reserve, in nanodollars."""


def grace(**more: Json) -> dict[str, Json]:
    own: dict[str, Json] = {"redis_down": "grace", "redis_down_exposure": EXPOSURE / 1e9, **more}
    return {"litellm_settings": own}


@pytest.mark.parametrize("redis", ["refuse", "silent", "cut"])
@pytest.mark.parametrize("postgres", ["pass", "refuse", "silent"])
async def test_in_grace_no_more_is_risked_than_was_set(
    stage: Start, redis: str, postgres: str
) -> None:
    it = await stage(**grace(both_down="journal"))
    it.provider.default = Behaviour(seconds_before_head=0.2)
    it.redis_line.set(redis)  # pyright: ignore[reportArgumentType] - a mode
    it.postgres_line.set(postgres)  # pyright: ignore[reportArgumentType] - a mode

    await it.calls(CALLERS, at_once=CALLERS)

    at_stake = it.gateway.exposure.total
    outcome = await it.outcome()
    assert {200, 503} == it.statuses
    assert at_stake <= EXPOSURE
    assert outcome.is_clean


@pytest.mark.parametrize("fault", ["drop_before", "drop_after", "status_500"])
async def test_a_budget_is_not_overspent_while_redis_comes_and_goes(
    stage: Start, fault: str
) -> None:
    it = await stage()
    it.door.faults.add(fault, times=None, probability=0.3)  # pyright: ignore[reportArgumentType]

    await asyncio.gather(*(it.call(f"c{n}") for n in range(CALLERS)))

    outcome = await it.outcome()
    assert outcome.is_clean
