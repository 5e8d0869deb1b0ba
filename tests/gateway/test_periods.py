"""Budgets that start afresh: by the calendar, in the counter, before any job has run."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from shared.domain import Millis
from shared.ledger.drain import drain
from shared.ledger.reset import reset
from tests.gateway.given import CHAT, counter, ledger, model

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx

    from shared.gateway.gateway import Gateway
    from tests.gateway.given import Given, GivenKey
    from tests.provider import Provider

    Proxy = Callable[..., Awaitable[tuple[Gateway, httpx.AsyncClient]]]

CALL = {"model": "gpt", "messages": [{"role": "user", "content": "Hello"}], "max_tokens": 20}
DOLLAR = 1_000_000_000


async def test_a_budget_whose_period_is_over_starts_afresh_without_the_job(
    client: httpx.AsyncClient, given: Given
) -> None:
    now = datetime.now(UTC)
    key = await given.key(
        max_budget=1,
        spend=1,
        budget_duration="1d",
        budget_started_at=now - timedelta(days=2),
        budget_reset_at=now - timedelta(seconds=1),
    )

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 200 == reply.status_code


async def test_a_budget_whose_period_runs_is_still_spent(
    client: httpx.AsyncClient, given: Given
) -> None:
    now = datetime.now(UTC)
    key = await given.key(
        max_budget=1,
        spend=1,
        budget_duration="1d",
        budget_started_at=now - timedelta(days=1),
        budget_reset_at=now + timedelta(hours=1),
    )

    reply = await client.post(CHAT, json=CALL, headers=key.headers)

    assert 422 == reply.status_code


async def test_concurrent_calls_across_a_boundary_overspend_neither_period(
    proxy: Proxy, given: Given, provider: Provider
) -> None:
    dear = model("gpt", provider.url, input_cost_per_token=0.0001, output_cost_per_token=0.001)
    gateway, client = await proxy(dear)
    now = datetime.now(UTC)
    key = await given.key(
        max_budget=0.1,
        budget_duration="2s",
        budget_started_at=now - timedelta(seconds=1),
        budget_reset_at=now + timedelta(seconds=1),
    )

    codes = await calls_until_a_period_follows_another(gateway, client, key)

    rows = await ledger(gateway, codes.count(200))
    by_period: dict[str, int] = {}
    for row in rows:
        since = row["budgets"].split("\n")[2]
        by_period[since] = by_period.get(since, 0) + int(row["spend"])
    assert len(by_period) > 1
    assert max(by_period.values()) <= DOLLAR // 10
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert (by_period[budget["since"]], 0) == (int(budget["spent"]), int(budget["reserved"]))


async def calls_until_a_period_follows_another(
    gateway: Gateway, client: httpx.AsyncClient, key: GivenKey
) -> list[int]:
    """Call in bursts, each more than a period bears, until the counter has passed a boundary."""
    codes: list[int] = []
    periods: set[str] = set()
    async with asyncio.timeout(60):
        while len(periods) < 2:
            replies = await asyncio.gather(
                *(client.post(CHAT, json=CALL, headers=key.headers) for _ in range(50))
            )
            codes += [reply.status_code for reply in replies]
            periods.add((await counter(gateway, f"budget:key:{key.hash}:-"))["since"])
    assert {200, 422} == set(codes)
    return codes


async def test_counter_ledger_and_column_agree_after_drain_and_reset_in_any_order(
    client: httpx.AsyncClient, given: Given, gateway: Gateway
) -> None:
    now = datetime.now(UTC)
    key = await given.key(
        max_budget=1,
        spend=0.75,
        budget_duration="1d",
        budget_started_at=now - timedelta(days=2),
        budget_reset_at=now - timedelta(seconds=1),
    )
    await client.post(CHAT, json=CALL, headers=key.headers)
    (row,) = await ledger(gateway, 1)
    moment = Millis(int(now.timestamp() * 1000))

    await reset(gateway.stores, moment)
    await drain(gateway.stores, moment)
    await reset(gateway.stores, moment)

    columns = await gateway.stores.postgres.one(
        "select spend * 1000000000 as spend, budget_reset_at > now() as is_ahead "
        "from litellm_verificationtoken where token = %(id)s",
        id=key.hash,
    )
    budget = await counter(gateway, f"budget:key:{key.hash}:-")
    assert {"spend": int(row["spend"]), "is_ahead": True} == columns
    assert (row["spend"], "0") == (budget["spent"], budget["reserved"])
