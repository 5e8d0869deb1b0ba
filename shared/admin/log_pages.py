"""Show the ledger page by page, by every filter."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.admin.days import moments_between
from shared.admin.key_access import token_of
from shared.errors import NotPermitted
from shared.storage.log_pages import CAP, PageFilter, Part, count_logs, page_of_logs
from shared.wire.admin_reports import LogPage

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_reports import LogsQuery


async def page_of_spend_logs(desk: Desk, caller: Caller, query: LogsQuery, now: Millis) -> LogPage:
    """Return one page of the rows the caller may see; of very many only the first are counted."""
    which = _scoped(caller, _filter(query, now))
    db = desk.stores.postgres
    total = await count_logs(db, which)
    skip = (query.page - 1) * query.page_size
    part = Part(query.page_size, skip, query.sort_by, query.sort_order == "asc")
    rows = await page_of_logs(db, which, part)
    return LogPage(
        data=rows,
        total=total,
        is_total_exact=total < CAP,
        page=query.page,
        page_size=query.page_size,
        total_pages=-(-total // query.page_size),
    )


def _filter(query: LogsQuery, now: Millis) -> PageFilter:
    first, end = moments_between(query.start_date, query.end_date, now)
    return PageFilter(
        start_date=first,
        end_date=end,
        api_key=None if query.api_key is None else token_of(query.api_key),
        user_id=query.user_id,
        team_id=query.team_id,
        request_id=query.request_id,
        session_id=query.session_id,
        end_user=query.end_user,
        model=query.model,
        model_id=query.model_id,
        model_group=query.model_group,
        key_alias=query.key_alias,
        status=query.status_filter,
        error_code=query.error_code,
        is_cache_hit=query.cache_hit_filter and query.cache_hit_filter == "hit",
        search=query.search,
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
