"""What scripts are told and what they answer, as the words that Redis takes and gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.domain import NANODOLLARS_PER_DOLLAR
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Json
    from shared.storage.plans import BudgetLine, CandidateLine, Cooling, RateLine

MOST_IN_A_COUNTER = 4_000_000_000 * NANODOLLARS_PER_DOLLAR
"""What a counter may start from: Redis counts in signed 64-bit integers, and fails over them."""


def cooling_words(cooling: Cooling) -> tuple[str | int, ...]:
    """Say how a failure counts."""
    return (
        int(cooling.seconds * 1000),
        int(cooling.at_once),
        cooling.least_requests,
        cooling.percent,
    )


def candidate_words(line: CandidateLine) -> tuple[str | int, ...]:
    """Say what a candidate needs and can bear."""
    return (
        line.reservation,
        line.level,
        line.strategy,
        optional(line.max_parallel),
        optional(line.rpm),
        optional(line.tpm),
    )


def budget_words(line: BudgetLine) -> tuple[str | int, ...]:
    """Say in which period a budget must be, and what it may reach."""
    opening = min(line.opening, MOST_IN_A_COUNTER)
    return line.since, opening, optional(line.limit), int(line.refuses_at_limit)


def rate_words(line: RateLine) -> tuple[str | int, ...]:
    """Say what may pass in a window, and how it is counted."""
    limits = optional(line.requests), optional(line.tokens)
    return *limits, line.step_ms, line.prefix, line.counted


def optional(number: int | None) -> str | int:
    """Say a number, or nothing."""
    return "" if number is None else number


def in_the_periods_of(other: str, row: str) -> str:
    """Put a ledger row into the periods that another one names."""
    return orjson.dumps(orjson.loads(row) | {"since": orjson.loads(other)["since"]}).decode()


def positions(words: Sequence[str]) -> tuple[int, ...]:
    """Read positions, which Lua counts from 1."""
    return tuple(int(word) - 1 for word in words)


def words(reply: Json) -> list[str]:
    """Read a script's reply; raise RedisRefused when it is no list."""
    if not isinstance(reply, list):
        raise unexpected("a script", reply)
    return [str(word) for word in reply]


def unexpected(name: str, reply: object) -> RedisRefused:
    """Say that a script answered what it never should."""
    return RedisRefused(f"{name} answered {reply!r}")
