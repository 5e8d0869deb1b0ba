"""How the configuration is changed: judged as a whole, in force on the next request everywhere.

    1  hold the configuration       changes come one after the other
    2  write
    3  read all of it, over the file, as every process will; new problems refuse the change
    4  set a fence in Redis         from now on what was read before does not count
    5  commit
    6  put it into Redis            admit tells every process on its next request

As with policies, trouble with Redis is logged and fails no change: whoever dies between 5 and 6
leaves the fence, under which every process reads Postgres, and for what was read in between the
ledger function writes it again within a minute.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from shared.admin.change import refusing
from shared.config.live import find_overlay
from shared.errors import BadRequest, GatewayError, RedisDown
from shared.observability import log
from shared.storage.admin_changes import next_version
from shared.storage.config_entries import announce_config, fence_config, publish_overlay
from shared.storage.config_rows import take_config_turn
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from shared.admin.desk import Desk
    from shared.config.overlay import Overlay
    from shared.storage.postgres import Transaction

_TOLD_AT_MOST: Final = 5


@asynccontextmanager
async def reconfiguring(
    desk: Desk, name: str, conflicts: Mapping[str, GatewayError] | None = None
) -> AsyncGenerator[Transaction]:
    """Open the transaction in which a part of the configuration changes.

    Raise BadRequest with the reasons when the whole would not be valid; nothing is changed then.
    """
    with refusing(conflicts or {}):
        async with desk.stores.postgres.transaction() as transaction:
            await take_config_turn(transaction)
            number = await next_version(transaction)
            before = await find_overlay(transaction)
            yield transaction
            after = await find_overlay(transaction)
            _check(desk, before, after)
            await _fence(desk, number)
    desk.live.adopt(after)
    await _publish(desk, name, after)


def _check(desk: Desk, before: Overlay, after: Overlay) -> None:
    _, problems = desk.live.read(after)
    if not problems:
        return
    # What was wrong before may be put right piece by piece.
    _, known = desk.live.read(before)
    new = [str(problem) for problem in problems if problem not in known]
    if new:
        reasons = "; ".join(new[:_TOLD_AT_MOST])
        raise BadRequest(f"The configuration would not be valid: {reasons}", param="config")


async def _fence(desk: Desk, number: int) -> None:
    try:
        await fence_config(desk.stores.redis, number)
    except (RedisDown, RedisRefused) as error:
        log.warning("config_not_fenced", reason=str(error), number=number)


async def _publish(desk: Desk, name: str, overlay: Overlay) -> None:
    redis = desk.stores.redis
    try:
        await publish_overlay(redis, overlay.version, overlay.render())
        await announce_config(redis, name, datetime.now(UTC).isoformat())
    except (RedisDown, RedisRefused) as error:
        log.warning("config_not_published", reason=str(error), version=overlay.version)
