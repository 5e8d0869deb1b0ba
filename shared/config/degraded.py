"""What the gateway does while a store is away (`litellm_settings`)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from math import floor
from typing import TYPE_CHECKING, Final, Literal

from shared.config.sections import Wrong, one_of
from shared.domain import NANODOLLARS_PER_DOLLAR, Nanodollars

if TYPE_CHECKING:
    from shared.config.sections import Section
    from shared.domain import Json

RedisDown = Literal["closed", "grace"]
PostgresDown = Literal["serve", "closed"]
BothDown = Literal["closed", "journal"]

_REDIS_DOWN: Final[tuple[RedisDown, ...]] = ("closed", "grace")
_POSTGRES_DOWN: Final[tuple[PostgresDown, ...]] = ("serve", "closed")
_BOTH_DOWN: Final[tuple[BothDown, ...]] = ("closed", "journal")
_MOST_DOLLARS: Final = 1_000_000
ONE_DOLLAR: Final = Nanodollars(NANODOLLARS_PER_DOLLAR)


@dataclass(frozen=True, slots=True, kw_only=True)
class DegradedSettings:
    """Who is served without a store, and how much may be at stake.

    Redis down: `closed` refuses every call with 503; `grace` serves keys that this process has seen
    within a minute, or that Postgres knows, as long as what it lets pass comes to no more than
    `exposure` in all. Both down: in grace, `closed` refuses, `journal` goes on for seen keys and
    leaves the ledger's rows in the log. Postgres down: keys that Redis knows are served; once
    `stream_rows` of the ledger wait in Redis, `closed` refuses further calls and `serve` goes on.
    """

    redis_down: RedisDown = "closed"
    exposure: Nanodollars = ONE_DOLLAR
    both_down: BothDown = "closed"
    postgres_down: PostgresDown = "serve"
    stream_rows: int = 500_000


def read_degraded(section: Section) -> DegradedSettings:
    """Read them from `litellm_settings`."""
    usual = DegradedSettings()
    return DegradedSettings(
        redis_down=section.read(
            "redis_down", usual.redis_down, lambda value: one_of(value, _REDIS_DOWN)
        ),
        exposure=section.read("redis_down_exposure", usual.exposure, _dollars),
        both_down=section.read(
            "both_down", usual.both_down, lambda value: one_of(value, _BOTH_DOWN)
        ),
        postgres_down=section.read(
            "postgres_down", usual.postgres_down, lambda value: one_of(value, _POSTGRES_DOWN)
        ),
        stream_rows=section.whole("ledger_stream_rows", usual.stream_rows, least=1),
    )


def _dollars(value: Json) -> Nanodollars:
    amount = None if isinstance(value, bool) else value
    if not isinstance(amount, int | float) or not 0 <= amount <= _MOST_DOLLARS:
        raise Wrong(f"must be dollars, from 0 to {_MOST_DOLLARS}")
    return Nanodollars(floor(Decimal(str(amount)).scaleb(9)))
