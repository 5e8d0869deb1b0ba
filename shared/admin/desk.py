"""What every use case works at: the stores, and the calendar that budgets follow."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from shared.domain import Millis
from shared.limits.budgets import Calendar
from shared.limits.periods import expires_at, first_reset, period
from shared.storage.columns import millis, moment
from shared.wire.admin_policies import PolicyInfo

if TYPE_CHECKING:
    from datetime import datetime

    from shared.config.live import LiveConfig
    from shared.limits.periods import Period
    from shared.storage.stores import Stores

Info = TypeVar("Info", bound=PolicyInfo)


@dataclass(frozen=True, slots=True)
class Desk:
    """The stores, and the configuration in force, which says when budget periods begin."""

    stores: Stores
    live: LiveConfig
    master_key: str = field(default="", repr=False)
    has_salt_key: bool = False

    def now(self) -> Millis:
        """Tell the time."""
        return Millis(time.time_ns() // 1_000_000)

    @property
    def calendar(self) -> Calendar:
        """Where and when budget periods begin."""
        litellm = self.live.current.litellm
        return Calendar(timezone=litellm.timezone, reset_time=litellm.budget_reset_time)

    def first_reset(self, duration: str, now: Millis) -> datetime:
        """Tell when a budget that is given this duration now starts afresh."""
        where = self.calendar
        return moment(
            first_reset(duration, now, timezone=where.timezone, reset_time=where.reset_time)
        )

    def period_of(self, info: PolicyInfo, now: Millis) -> Period:
        """Give the budget period that `now` lies in."""
        return period(
            info.budget_duration,
            millis(info.budget_started_at),
            millis(info.budget_reset_at),
            now,
            timezone=self.calendar.timezone,
            reset_time=self.calendar.reset_time,
        )

    def as_of(self, info: Info, now: Millis) -> Info:
        """Show a row as it is now, also when no job has booked its reset yet."""
        current = self.period_of(info, now)
        if current.until is None or moment(current.until) == info.budget_reset_at:
            return info
        # Spend that was drained since is in the column already, under the new start.
        is_new = current.since > millis(info.budget_started_at)
        spend = info.spend * 0 if is_new else info.spend
        return info.model_copy(update={"spend": spend, "budget_reset_at": moment(current.until)})


def expiry(duration: str | None, now: Millis) -> datetime | None:
    """Tell when a key that lives so long from now expires; `-1` is LiteLLM's word for never."""
    return None if duration in (None, "-1") else moment(expires_at(duration, now))
