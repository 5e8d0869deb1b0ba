"""Show the ledger page by page, by every filter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.days import days_between
from shared.admin.key_access import token_of
from shared.errors import NotPermitted
from shared.storage.log_pages import CAP, PageFilter, count_logs, page_of_logs
from shared.wire.admin_reports import LogPage

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_reports import LogsQuery

_ONE_DAY: Final = timedelta(days=1)


async def page_of_spend_logs(desk: Desk, caller: Caller, query: LogsQuery, now: Millis) -> LogPage:
    """Return one page of the rows the caller may see; of very many only the first are counted."""
    which = _scoped(caller, _filter(query, now))
    db = desk.stores.postgres
    total = await count_logs(db, which)
    rows = await page_of_logs(db, which, query.page_size, (query.page - 1) * query.page_size)
    return LogPage(
        data=rows,
        total=total,
        is_total_exact=total < CAP,
        page=query.page,
        page_size=query.page_size,
        total_pages=-(-total // query.page_size),
    )


def _filter(query: LogsQuery, now: Millis) -> PageFilter:
    first, last = days_between(query.start_date, query.end_date, now)
    return PageFilter(
        start_date=datetime.combine(first, time(), UTC),
        end_date=datetime.combine(last, time(), UTC) + _ONE_DAY
        if last < last.max
        else datetime.max.replace(tzinfo=UTC),
        api_key=None if query.api_key is None else token_of(query.api_key),
        user_id=query.user_id,
        team_id=query.team_id,
        request_id=query.request_id,
        end_user=query.end_user,
        model=query.model,
        status=query.status_filter,
        min_spend=None if query.min_spend is None else Decimal(repr(query.min_spend)),
        max_spend=None if query.max_spend is None else Decimal(repr(query.max_spend)),
    )


def _scoped(caller: Caller, which: PageFilter) -> PageFilter:
    if caller.sees_all:
        return which
    if which.team_id is not None and caller.runs_team(which.team_id):
        return which
    is_own = which.user_id in (None, caller.user_id)
    if caller.user_id is not None and is_own:
        return replace(which, user_id=caller.user_id)
    if is_own and which.api_key in (None, caller.key_hash):
        return replace(which, api_key=caller.key_hash)
    raise NotPermitted("You can only see your own spend.", param="user_id")
