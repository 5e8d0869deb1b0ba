"""Steps for the schedule runner's own tests: one that works, one that fails, one that hangs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.runtime.process import start
from shared.runtime.schedule import schedule_handler

if TYPE_CHECKING:
    from shared.domain import Millis
    from shared.storage.stores import Stores


@dataclass(frozen=True, slots=True)
class DrainReport:
    booked: int
    waiting: int


async def drain(stores: Stores, now: Millis) -> DrainReport:
    del stores
    return DrainReport(booked=3, waiting=now % 1)


async def fail(stores: Stores, now: Millis) -> DrainReport:
    raise ValueError(f"row of a tenant, {stores}, {now}")


async def hang(stores: Stores, now: Millis) -> DrainReport:
    del stores, now
    await asyncio.Event().wait()
    raise AssertionError("nobody sets it")


settings = start("sample")
good = schedule_handler(settings, {"drain": drain, "again": drain})
bad = schedule_handler(settings, {"fail": fail, "drain": drain})
hanging = schedule_handler(settings, {"drain": drain, "hang": hang})
