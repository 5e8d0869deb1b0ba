"""Book what a call cost: in Redis, else in Postgres, else in a log line that can be replayed.

Each way is idempotent under the call's id, so a reply that got lost on one of them does no harm.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from shared.errors import PostgresDown, RedisDown
from shared.observability import log
from shared.storage.admission import Held, LedgerFull, settle
from shared.storage.cache import keep
from shared.storage.failures import StatementFailed
from shared.storage.redis import RedisRefused
from shared.storage.spend_rows import JOURNAL, SpendRow, book_once

if TYPE_CHECKING:
    from shared.gateway.gateway import Gateway
    from shared.storage.plans import Keeping, Plan, Settlement
    from shared.storage.postgres import Postgres
    from shared.storage.redis import Redis


async def book(gateway: Gateway, plan: Plan, settlement: Settlement) -> None:
    """Settle the hold and write the call's row; never raise because a store is down."""
    cache = gateway.stores.cache
    if cache is not None and settlement.keeping is not None:
        keeping, settlement = settlement.keeping, replace(settlement, keeping=None)
        kept = _keep(cache, plan.request_id, keeping)
        await asyncio.gather(_settle(gateway, plan, settlement), kept)
    else:
        await _settle(gateway, plan, settlement)


async def _keep(cache: Redis, request_id: str, keeping: Keeping) -> None:
    """Leave the answer in the cache; it fails no call."""
    try:
        await keep(cache, request_id, keeping)
    except (RedisDown, RedisRefused) as error:
        log.warning("cache_not_written", request_id=request_id, reason=str(error))


async def _settle(gateway: Gateway, plan: Plan, settlement: Settlement) -> None:
    held, redis = Held.by(plan), gateway.stores.redis
    try:
        try:
            await settle(redis, held, settlement, most_rows=gateway.config.degraded.stream_rows)
        except LedgerFull:
            await _book_past_the_stream(gateway, held, settlement)
    except (RedisDown, RedisRefused) as error:
        log.error("settle_without_redis", request_id=plan.request_id, reason=str(error))
        await _book_past_redis(gateway.stores.postgres, plan.request_id, settlement)


async def _book_past_the_stream(gateway: Gateway, held: Held, settlement: Settlement) -> None:
    """Write the row to Postgres, then charge it; should Postgres fail, the stream takes it yet."""
    row = _row(held.request_id, settlement)
    try:
        await book_once(gateway.stores.postgres, row, settlement.correction_id)
    except (PostgresDown, StatementFailed) as error:
        gateway.backlog.note()
        log.error("ledger_full", request_id=held.request_id, reason=str(error))
        await settle(gateway.stores.redis, held, settlement)
    else:
        await settle(gateway.stores.redis, held, settlement, mode="booked")


async def _book_past_redis(postgres: Postgres, request_id: str, settlement: Settlement) -> None:
    """Write the row to Postgres. The hold stays: the sweeper finds the row and releases it."""
    row = _row(request_id, settlement)
    try:
        await book_once(postgres, row, settlement.correction_id)
    except (PostgresDown, StatementFailed):
        log.error(
            JOURNAL,
            id=row.id,
            spend=row.spend,
            prompt_tokens=row.prompt_tokens,
            completion_tokens=row.completion_tokens,
            row=settlement.row,
        )


def _row(request_id: str, settlement: Settlement) -> SpendRow:
    return SpendRow(
        id=request_id,
        spend=settlement.cost,
        prompt_tokens=settlement.prompt_tokens,
        completion_tokens=settlement.completion_tokens,
        details=orjson.loads(settlement.row),
    )
