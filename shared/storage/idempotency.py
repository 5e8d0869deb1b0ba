"""Answers kept in Redis for callers that ask the same thing again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.storage.redis import Runs

PENDING: Final = "pending:"
PENDING_SECONDS: Final = 60
KEPT_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to be the one that answers, until it is given back or an answer is kept."""

    name: str
    mark: str


async def claim(redis: Runs, name: str) -> Claim | str:
    """Claim a name; return what stands there when somebody else has."""
    mine = Claim(f"idempotency:{name}", PENDING + secrets.token_hex(16))
    await redis.execute(["SET", mine.name, mine.mark, "NX", "EX", PENDING_SECONDS])
    # Asked again instead of trusting the reply: a command that is sent twice refuses itself.
    found = await redis.execute(["GET", mine.name])
    return mine if found in (mine.mark, None) else str(found)


async def keep(redis: Runs, mine: Claim, answer: str) -> None:
    """Keep an answer for a day."""
    await redis.execute(["SET", mine.name, answer, "EX", KEPT_SECONDS])


async def give_back(redis: Runs, mine: Claim) -> None:
    """Let another try: nothing was answered."""
    await redis.execute(["DEL", mine.name])
