"""Show the ledger: row by row, or summed by day."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.key_access import token_of
from shared.errors import BadRequest, NotPermitted
from shared.storage.spend_logs import LogFilter, list_spend_logs, sum_spend_by_day
from shared.wire.admin_spend import DaySum

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.wire.admin_spend import SpendLog, SpendLogsQuery

DAYS_AT_MOST: Final = 3_660
SUMS_AT_MOST: Final = 50_000
_ONE_DAY: Final = timedelta(days=1)
_LEAST: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class _Day:
    """What one UTC day cost, in all and split three ways."""

    spend: Decimal = Decimal(0)
    keys: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    users: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    models: dict[str, Decimal] = field(default_factory=dict[str, Decimal])

    def add(self, part: DaySum) -> None:
        """Count one part of it."""
        self.spend += part.spend
        shares = ((self.keys, part.api_key), (self.users, part.user), (self.models, part.model))
        for split, name in shares:
            split[name] = split.get(name, Decimal(0)) + part.spend

    def shown(self, day: date) -> dict[str, object]:
        """Return it in LiteLLM's shape: the keys' hashes stand beside the other fields."""
        return {
            **self.keys,
            "startTime": day.isoformat(),
            "spend": self.spend,
            "users": self.users,
            "models": self.models,
        }


async def spend_logs(desk: Desk, caller: Caller, query: SpendLogsQuery) -> list[SpendLog]:
    """Return the newest rows that the caller may see."""
    return await list_spend_logs(desk.stores.postgres, _filter(caller, query), query.limit)


async def spend_by_day(
    desk: Desk, caller: Caller, query: SpendLogsQuery
) -> list[dict[str, object]]:
    """Return the days on which something was spent, and those after them up to the last."""
    which = _filter(caller, query)
    if which.start_date is None or which.end_date is None:
        raise BadRequest("Sums by day need start_date and end_date.", param="start_date")
    first, last = which.start_date.date(), (which.end_date - _LEAST).date()
    if (last - first).days >= DAYS_AT_MOST:
        raise BadRequest(f"Ask for at most {DAYS_AT_MOST} days at once.", param="start_date")
    sums = await _sums(desk, which, first, last)
    days = {part.day: _Day() for part in sums}
    for part in sums:
        days[part.day].add(part)
    if days:
        final = max(days)
        days |= {final + n * _ONE_DAY: _Day() for n in range(1, (last - final).days + 1)}
    return [days[day].shown(day) for day in sorted(days)]


async def _sums(desk: Desk, which: LogFilter, first: date, last: date) -> list[DaySum]:
    db = desk.stores.postgres
    if which.request_id is None:
        sums = await sum_spend_by_day(db, first, last, which, SUMS_AT_MOST + 1)
    else:
        rows = await list_spend_logs(db, which, SUMS_AT_MOST + 1)
        sums = [_part(row) for row in rows]
    if len(sums) > SUMS_AT_MOST:
        raise BadRequest("That is too much at once: narrow the dates.", param="start_date")
    return sums


def _part(row: SpendLog) -> DaySum:
    day = row.start_time.astimezone(UTC).date()
    return DaySum(
        day=day, api_key=row.api_key, user=row.user or "", model=row.model, spend=row.spend
    )


def _filter(caller: Caller, query: SpendLogsQuery) -> LogFilter:
    which = LogFilter(
        api_key=None if query.api_key is None else token_of(query.api_key),
        user_id=query.user_id,
        request_id=query.request_id,
        start_date=None if query.start_date is None else _date(query.start_date, "start_date"),
        end_date=None if query.end_date is None else _after(query.end_date, "end_date"),
    )
    if caller.sees_all:
        return which
    is_own = which.user_id in (None, caller.user_id)
    if caller.user_id is not None and is_own:
        return replace(which, user_id=caller.user_id)
    if is_own and which.api_key in (None, caller.key_hash):
        return replace(which, api_key=caller.key_hash)
    raise NotPermitted("You can only see your own spend.", param="user_id")


def _date(text: str, name: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"{name} must be a date: YYYY-MM-DD.", param=name) from error


def _after(text: str, name: str) -> datetime:
    """Return the first moment after a day or a second that still counts."""
    is_day = len(text) <= len("YYYY-MM-DD")
    try:
        return _date(text, name) + (_ONE_DAY if is_day else timedelta(seconds=1))
    except OverflowError as error:
        raise BadRequest(f"{name} is too far away.", param=name) from error
