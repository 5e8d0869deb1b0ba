"""How deployments were when they were called to see whether they answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.storage.statements import load
from shared.wire.admin_checkups import HealthCheck

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.postgres import Runs
    from shared.wire.admin_checkups import CheckedEndpoint, HealthQuery

_SQL: Final = load("health_checks")


async def note_checks(db: Runs, checks: Sequence[CheckedEndpoint], *, by: str) -> None:
    """Note those that are news: another status than the last, or the same for an hour."""
    rows = [
        {
            "model_name": check.model_name,
            "model_id": check.model_id,
            "status": "healthy" if check.error is None else "unhealthy",
            "error_message": check.error,
            "response_time_ms": check.response_time_ms,
        }
        for check in checks
    ]
    await db.run(_SQL["note_checks"], checks=orjson.dumps(rows).decode(), checked_by=by)


async def list_checks(db: Runs, query: HealthQuery) -> list[HealthCheck]:
    """Return some of the checks, the newest first."""
    rows = await db.all(
        _SQL["list_checks"],
        model=query.model,
        status=query.status_filter,
        most=query.limit,
        skipped=query.offset,
    )
    return [HealthCheck.model_validate(row) for row in rows]


async def latest_checks(db: Runs) -> list[HealthCheck]:
    """Return the newest check of each deployment."""
    return [HealthCheck.model_validate(row) for row in await db.all(_SQL["latest_checks"])]
