"""Answers kept in Redis for callers that ask the same thing again."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.domain import Millis
    from shared.storage.redis import Runs

PENDING: Final = "pending:"
WORK_MS: Final = 60_000
KEPT_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to be the one that answers, until it is given back or an answer is kept.

    `nonce` is what the answer's secret is made of. It stays with the name when whoever works on it
    dies: the next one makes the same secret again, or finds it made (`is_taken_over`).
    """

    name: str
    nonce: str
    until: int
    is_taken_over: bool = False

    @property
    def mark(self) -> str:
        """What stands in Redis for it."""
        return f"{PENDING}{self.nonce}:{self.until}"


async def claim(redis: Runs, name: str, now: Millis) -> Claim | str:
    """Claim a name; return what stands there when somebody else has."""
    mine = Claim(f"idempotency:{name}", secrets.token_hex(16), now + WORK_MS)
    await redis.execute(["SET", mine.name, mine.mark, "NX", "EX", KEPT_SECONDS])
    # Asked again instead of trusting the reply: a command that is sent twice refuses itself.
    found = await redis.execute(["GET", mine.name])
    if found in (mine.mark, None):
        return mine
    left = _left_behind(mine.name, str(found), now)
    if left is None:
        return str(found)
    mine = replace(left, until=now + WORK_MS)
    await redis.execute(["SET", mine.name, mine.mark, "EX", KEPT_SECONDS])
    return mine


async def keep(redis: Runs, mine: Claim, answer: str) -> None:
    """Keep an answer for a day."""
    await redis.execute(["SET", mine.name, answer, "EX", KEPT_SECONDS])


async def give_back(redis: Runs, mine: Claim) -> None:
    """Let another try: nothing was answered."""
    await redis.execute(["DEL", mine.name])


async def leave(redis: Runs, mine: Claim) -> None:
    """Let another go on from here: nobody knows whether it was done."""
    await redis.execute(["SET", mine.name, replace(mine, until=0).mark, "EX", KEPT_SECONDS])


def _left_behind(name: str, found: str, now: Millis) -> Claim | None:
    """Read a claim whose time to work is over."""
    if not found.startswith(PENDING):
        return None
    nonce, _, until = found.removeprefix(PENDING).partition(":")
    if not until.isdigit() or int(until) > now:
        return None
    return Claim(name, nonce, int(until), is_taken_over=True)
