"""What /health found in the past: kept as LiteLLM does, for charts and for whoever comes later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.errors import StoreDown
from shared.observability import log
from shared.storage import health_checks
from shared.wire.admin_checkups import HealthHistory, LatestHealth

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.wire.admin_checkups import HealthQuery, HealthReply


async def note(desk: Desk, caller: Caller, found: HealthReply) -> None:
    """Keep what was found; it is told to who asked whether it can be kept or not."""
    checks = [*found.healthy_endpoints, *found.unhealthy_endpoints]
    if not checks:
        return
    try:
        await health_checks.note_checks(desk.stores.postgres, checks, by=caller.name)
    except StoreDown as error:
        log.warning("health_not_noted", reason=str(error), checks=len(checks))


async def history(desk: Desk, query: HealthQuery) -> HealthHistory:
    """Return a page of what was found, the newest first."""
    checks = await health_checks.list_checks(desk.stores.postgres, query)
    return HealthHistory(
        health_checks=checks, total_records=len(checks), limit=query.limit, offset=query.offset
    )


async def latest(desk: Desk) -> LatestHealth:
    """Return how each deployment was when it was last called."""
    checks = await health_checks.latest_checks(desk.stores.postgres)
    by_id = {check.model_id or check.model_name: check for check in checks}
    return LatestHealth(latest_health_checks=by_id, total_models=len(by_id))
