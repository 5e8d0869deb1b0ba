"""How many calls the cache answered, how many a provider, how many failed and why."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from shared.admin.days import days_between
from shared.storage import spend_reports
from shared.wire.admin_reports import CallErrors, CallGroup, CallsReply, CallTotals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_reports import CallsQuery, CallSum

OPTIONS_AT_MOST: Final = 1_000

_COUNTED: Final = tuple(name for name in CallGroup.model_fields if name != "call_type")


async def call_activity(desk: Desk, query: CallsQuery, now: Millis) -> CallsReply:
    """Return the calls of each kind, the sums of all, and what they can be narrowed to."""
    days, db = days_between(query.start_date, query.end_date, now), desk.stores.postgres
    sums = await spend_reports.sum_by_call(db, days, query.models, query.key_aliases)
    groups = _groups(sums)
    return CallsReply(
        groups=groups,
        totals=_totals(groups),
        filter_options=await spend_reports.call_options(db, days, OPTIONS_AT_MOST),
        error_breakdown=[
            CallErrors(
                call_type=each.call_type,
                error_code=each.error_code or "Unknown",
                error_class=each.error_class or "Unknown",
                count=each.failed_requests,
            )
            for each in sums
            if each.failed_requests
        ],
    )


def _groups(sums: Sequence[CallSum]) -> list[CallGroup]:
    kinds: defaultdict[str, list[CallSum]] = defaultdict(list)
    for each in sums:
        kinds[each.call_type].append(each)
    return [
        CallGroup(
            call_type=kind,
            **{name: sum(getattr(part, name) for part in parts) for name in _COUNTED},
        )
        for kind, parts in kinds.items()
    ]


def _totals(groups: Sequence[CallGroup]) -> CallTotals:
    asked, hits = sum(g.api_requests for g in groups), sum(g.cache_hits for g in groups)
    failed = sum(g.failed_requests for g in groups)
    whole = asked + hits + failed
    return CallTotals(
        api_requests=asked,
        cache_hits=hits,
        failed_requests=failed,
        cached_completion_tokens=sum(g.cached_completion_tokens for g in groups),
        cache_hit_ratio=100 * hits / whole if whole else 0.0,
    )
