"""Above a set length of the stream a settled call is booked in Postgres, and charged too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from shared.domain import Millis
from shared.ledger.drain import drain
from tests.gateway.given import counter, ledger, model, price_of
from tests.gateway.test_stores import CALL, CHAT, no_sql

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.gateway.given import Given
    from tests.provider import Provider

    Start = Callable[..., Any]


async def test_a_row_beyond_the_length_goes_to_postgres_and_is_charged_once(
    proxy: Start, given: Given, provider: Provider
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url), litellm_settings={"ledger_stream_rows": 2}
    )
    key = await given.key(max_budget=1)

    usages = [
        (await client.post(CHAT, json=CALL, headers=key.headers)).json()["usage"] for _ in range(5)
    ]

    cost = [price_of(usage["prompt_tokens"], usage["completion_tokens"]) for usage in usages]
    assert sum(cost[2:]) == await given.spend_of(key, rows=3)
    assert 2 == len(await ledger(gateway, 2))
    found = await counter(gateway, f"budget:key:{key.hash}:-")
    assert (str(sum(cost)), "0") == (found["spent"], found["reserved"])
    assert 0 == await gateway.stores.redis.execute(["ZCARD", "holds:0"])
    await drain(gateway.stores, Millis(0))
    assert sum(cost) == await given.spend_of(key, rows=5)


@pytest.mark.parametrize(("wanted", "status"), [("serve", 200), ("closed", 503)])
async def test_without_postgres_the_stream_takes_it_yet_and_further_calls_do_as_is_set(
    proxy: Start, given: Given, provider: Provider, wanted: str, status: int
) -> None:
    gateway, client = await proxy(
        model("gpt", provider.url),
        litellm_settings={"ledger_stream_rows": 1, "postgres_down": wanted},
    )
    key = await given.key(max_budget=1)
    await client.post(CHAT, json=CALL, headers=key.headers)
    await ledger(gateway, 1)
    no_sql(gateway)

    first = await client.post(CHAT, json=CALL, headers=key.headers)
    await ledger(gateway, 2)
    second = await client.post(CHAT, json=CALL, headers=key.headers)

    assert (200, status) == (first.status_code, second.status_code)
    rows = await ledger(gateway, 3 if status == 200 else 2)
    found = await counter(gateway, f"budget:key:{key.hash}:-")
    assert (str(sum(int(row["spend"]) for row in rows)), "0") == (found["spent"], found["reserved"])
