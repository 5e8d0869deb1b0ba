"""One Lambda process: its name, its event loop, its invocations one after the other."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

from shared import observability
from shared.observability import bind, log, measure
from shared.runtime.secrets import add_secrets
from shared.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

Result = TypeVar("Result")

# An invocation ends this long before Lambda would kill it, so that what it owes is still written.
MARGIN_SECONDS: Final = 2.0
_SECONDS_WITHOUT_DEADLINE: Final = 30.0

_on_restore: Final[list[Callable[[], None]]] = []


@dataclass(frozen=True, slots=True)
class Invocation:
    """What Lambda says about one invocation; `deadline_ms` is unix time."""

    request_id: str = ""
    deadline_ms: int | None = None
    trace_id: str | None = None

    @classmethod
    def of(cls, context: object) -> Invocation:
        """Read the context object of the managed runtime, or of whoever calls a handler."""
        remaining = getattr(context, "get_remaining_time_in_millis", None)
        return cls(
            request_id=str(getattr(context, "aws_request_id", "")),
            deadline_ms=_now_ms() + int(remaining()) if callable(remaining) else None,  # pyright: ignore[reportArgumentType] - a number, by Lambda's contract
        )

    @property
    def seconds_left(self) -> float:
        """How long the invocation may still work, its margin kept."""
        if self.deadline_ms is None:
            return _SECONDS_WITHOUT_DEADLINE
        return max(0.0, (self.deadline_ms - _now_ms()) / 1000 - MARGIN_SECONDS)


def start(service: str) -> Settings:
    """Read secrets and settings and name the process; SettingsError ends a start on AWS."""
    add_secrets()
    settings = Settings.from_environment()
    observability.configure(
        service=service,
        stage=settings.stage,
        with_metrics=settings.is_lambda,
    )
    return settings


def run(work: Coroutine[object, object, Result], invocation: Invocation) -> Result:
    """Run one invocation on the process's loop, and what it started besides, to the end."""
    return _loop().run_until_complete(finish(work, invocation))


def begin(invocation: Invocation) -> None:
    """Name the invocation in its log lines; count the process's first as a cold start."""
    bind(aws_request_id=invocation.request_id or None, trace_id=invocation.trace_id)
    _count_cold_start()


async def finish(work: Coroutine[object, object, Result], invocation: Invocation) -> Result:
    """Await the work, then the tasks it left: after the invocation the process is frozen."""
    before = asyncio.all_tasks()
    try:
        return await work
    finally:
        left = asyncio.all_tasks() - before
        if left:
            _, unfinished = await asyncio.wait(left, timeout=invocation.seconds_left)
            if unfinished:
                log.error("work_left_unfinished", tasks=len(unfinished))


def on_restore(drop: Callable[[], None]) -> None:
    """Have `drop` called after a SnapStart restore: it forgets sockets, offsets and ages."""
    _on_restore.append(drop)


def restore() -> None:
    """Make the copy of a snapshot a process of its own."""
    random.seed()
    for drop in _on_restore:
        drop()


@cache
def _loop() -> asyncio.AbstractEventLoop:
    # One for the process's life: connections are bound to it and survive between invocations.
    return asyncio.new_event_loop()


@cache
def _count_cold_start() -> None:
    measure("cold_start", {"cold_starts": 1})


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
