"""Holds whose deadline passed: what a function left behind when it died."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.domain import Nanodollars
from shared.storage.admission import HOLDS, Held

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    dead: list[DeadHold] = []
    for request_id in ids if isinstance(ids, list) else []:
        fields = _pairs(await redis.execute(["HGETALL", f"hold:{request_id}"]))
        if fields.get("state") == "held":
            dead.append(_dead(str(request_id), fields))
        else:
            # Settled between the two reads, or lost with its hash: nothing is reserved any more.
            await redis.execute(["ZREM", HOLDS, str(request_id)])
    return dead


def _dead(request_id: str, fields: Mapping[str, str]) -> DeadHold:
    budgets = _lines(fields["budgets"])
    return DeadHold(
        held=Held(
            request_id=request_id,
            budgets=tuple(
                (key, int(since), reserved == "1")
                for key, since, reserved in zip(
                    budgets[::3], budgets[1::3], budgets[2::3], strict=True
                )
            ),
            window_keys=tuple(_lines(fields["windows"])),
            lease_keys=tuple(_lines(fields["leases"])),
        ),
        reserved=Nanodollars(int(fields["amount"])),
        row=fields["row"],
    )


def _lines(text: str) -> list[str]:
    return text.split("\n") if text else []


def _pairs(reply: Json) -> dict[str, str]:
    words = [str(word) for word in reply] if isinstance(reply, list) else []
    return dict(zip(words[::2], words[1::2], strict=True))
