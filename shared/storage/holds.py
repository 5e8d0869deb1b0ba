"""Holds whose deadline passed: what a function left behind when it died."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import Nanodollars
from shared.storage.admission import HOLDS, Held

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain import Json
    from shared.storage.redis import Runs


@dataclass(frozen=True, slots=True)
class DeadHold:
    """A hold nobody settled: where it stands, what it reserved, the row that says it is lost."""

    held: Held
    reserved: Nanodollars
    row: str


async def due(redis: Runs, most: int) -> list[DeadHold]:
    """Return up to `most` holds past their deadline by Redis's clock, oldest first."""
    clock = await redis.execute(["TIME"])
    if not isinstance(clock, list):
        return []
    now = int(str(clock[0])) * 1000
    ids = await redis.execute(["ZRANGEBYSCORE", HOLDS, "-inf", now, "LIMIT", 0, most])
    return await these(redis, [str(each) for each in ids] if isinstance(ids, list) else [])


async def these(redis: Runs, request_ids: Sequence[str]) -> list[DeadHold]:
    """Return those of the holds that are held."""
    held: list[DeadHold] = []
    for request_id in request_ids:
        fields = _pairs(await redis.execute(["HGETALL", f"hold:{request_id}"]))
        if fields.get("state") == "held":
            held.append(_dead(request_id, fields))
        else:
            # Settled between the two reads, or lost with its hash: nothing is reserved any more.
            await redis.execute(["ZREM", HOLDS, request_id])
    return held


async def oldest(redis: Runs, most: int) -> list[str]:
    """Return the requests whose deadlines come first."""
    ids = await redis.execute(["ZRANGE", HOLDS, 0, most - 1])
    return [str(each) for each in ids] if isinstance(ids, list) else []


async def count(redis: Runs) -> int:
    """Return how many calls hold room."""
    found = await redis.execute(["ZCARD", HOLDS])
    return found if isinstance(found, int) else 0


def _dead(request_id: str, fields: Mapping[str, str]) -> DeadHold:
    return DeadHold(
        held=Held.of_lines(request_id, fields["budgets"], fields["windows"], fields["leases"]),
        reserved=Nanodollars(int(fields["amount"])),
        row=fields["row"],
    )


def _pairs(reply: Json) -> dict[str, str]:
    words = [str(word) for word in reply] if isinstance(reply, list) else []
    return dict(zip(words[::2], words[1::2], strict=True))
