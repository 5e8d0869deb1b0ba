"""Finish what must be finished, even when the caller has gone and the task is being cancelled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


async def finish(work: Coroutine[object, object, T]) -> T:
    """Await `work` to its end; a cancellation meanwhile is raised after it, not instead of it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:  # noqa: BLE001 - raised below, by result()
            break
    if cancelled is not None:
        raise cancelled
    return task.result()
