"""Every five minutes: budgets that are due start afresh, and keys that are due get new secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.config.live import LiveConfig
from shared.ledger.reset import ResetReport, reset
from shared.observability import log
from shared.runtime.kept_keys import keeper_of
from shared.runtime.process import start
from shared.runtime.schedule import schedule_handler
from shared.storage.columns import moment
from shared.storage.rotations import rotating_keys

if TYPE_CHECKING:
    from shared.admin.auto_rotation import RotationReport
    from shared.domain import Millis
    from shared.storage.stores import Stores

ROTATED_AT_ONCE: Final = 200

settings = start("resets")


@dataclass(frozen=True, slots=True)
class NothingRotates:
    """There is no key whose secret changes by itself."""


async def resets(stores: Stores, now: Millis) -> ResetReport:
    """Start afresh what is due."""
    live = LiveConfig.open(settings, stores)
    await live.begin()
    litellm = live.current.litellm
    return await reset(
        stores,
        now,
        timezone=litellm.timezone,
        reset_time=litellm.budget_reset_time,
        end_user_budget_id=litellm.max_end_user_budget_id,
    )


async def rotations(stores: Stores, now: Millis) -> RotationReport | NothingRotates:
    """Give keys that are due another secret."""
    keys = await rotating_keys(stores.postgres, moment(now), ROTATED_AT_ONCE)
    if not keys:
        return NothingRotates()
    # Few have such keys, and the management API is much to import.
    from shared.admin.auto_rotation import RotationReport, is_due, rotate_keys  # noqa: PLC0415
    from shared.admin.desk import Desk  # noqa: PLC0415

    keep, due = keeper_of(settings.rotated_keys), [key for key in keys if is_due(key, now)]
    if keep is None and due:
        log.warning("keys_not_rotated", reason="TOLLGATE_ROTATED_KEYS is not set", keys=len(due))
        return RotationReport(failed=len(due))
    if keep is None:
        return NothingRotates()
    live = LiveConfig.open(settings, stores)
    await live.begin()
    return await rotate_keys(
        Desk(stores, live, settings.master_key), due, keep, settings.rotation_grace, now
    )


handler = schedule_handler(settings, {"resets": resets, "rotations": rotations})
