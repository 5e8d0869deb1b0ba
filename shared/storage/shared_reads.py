"""One read for all who want the same thing at once: a cold cache must not stampede Postgres."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Hashable

T = TypeVar("T")


@dataclass(slots=True)
class SharedReads(Generic[T]):
    """The reads of one kind that are under way in this process."""

    _running: dict[Hashable, asyncio.Task[T]] = field(
        default_factory=dict["Hashable", "asyncio.Task[T]"]
    )

    async def read(self, key: Hashable, start: Callable[[], Coroutine[object, object, T]]) -> T:
        """Join the read of `key` that is under way, or start it; all get its result or error.

        Who is cancelled leaves; the read goes on for the others.
        """
        task = self._running.get(key)
        if task is None:
            task = asyncio.ensure_future(start())
            self._running[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    def _forget(self, key: Hashable, done: asyncio.Task[T]) -> None:
        del self._running[key]
        if not done.cancelled():
            done.exception()  # everybody who waited may have been cancelled
