"""What runs on a schedule: steps one after the other, none stopped by another's failure.

A step's report is logged; a field is a metric when its name is a metric's (`drift`), or would be
with the step's before it (`drain_waiting`). A failed step is an alarm's metric, and the handler
raises in the end, so that the event is delivered again.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, cast, get_args

from shared.domain import Millis
from shared.observability import Metric, has_metrics, log, measure
from shared.runtime.process import Invocation, begin, run
from shared.storage.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from dataclasses import Field

    from shared.settings import Settings

_METRICS: frozenset[str] = frozenset(get_args(Metric))


class Report(Protocol):
    """A frozen dataclass that says what a step did."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


class Step(Protocol):
    """One thing to do on a schedule; it may run twice, late, or beside itself."""

    def __call__(self, stores: Stores, now: Millis) -> Awaitable[Report]:
        """Do it as of `now`."""
        ...


class StepsFailed(Exception):  # noqa: N818 - reads as a sentence
    """Some steps failed; the log says why."""


def schedule_handler(
    settings: Settings,
    steps: Mapping[str, Step],
) -> Callable[[object, object], None]:
    """Make the handler that a schedule calls; raises StepsFailed after the last step."""
    stores = Stores.open(settings)

    def handler(event: object, context: object) -> None:
        del event  # a schedule says nothing but when, and the clock knows that better
        invocation = Invocation.of(context)
        begin(invocation)
        failed = run(_run_steps(stores, steps, invocation), invocation)
        if failed:
            raise StepsFailed(", ".join(failed))

    return handler


async def _run_steps(
    stores: Stores, steps: Mapping[str, Step], invocation: Invocation
) -> list[str]:
    """Run every step within the invocation's time; return the names of those that failed."""
    return [
        name
        for name, step in steps.items()
        if not await _succeeds(name, step(stores, _now()), invocation)
    ]


async def _succeeds(name: str, step: Awaitable[Report], invocation: Invocation) -> bool:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(invocation.seconds_left):
            report = await step
    except Exception as error:  # noqa: BLE001 - whatever it is, the other steps must run
        log.exception("step_failed", error, step=name)
        measure("step_failed", {"failed_steps": 1}, kind=name)
        return False
    _tell(name, asdict(report), time.perf_counter() - started)
    return True


def _now() -> Millis:
    return Millis(time.time_ns() // 1_000_000)


def _tell(step: str, report: dict[str, Any], seconds: float) -> None:
    if not (any(report.values()) or has_metrics()):
        return  # a server's idle second is no news; a metric's zero is
    told = {name if name in _METRICS else f"{step}_{name}": value for name, value in report.items()}
    measure(
        step,
        {cast("Metric", name): told.pop(name) for name in _METRICS & told.keys()},
        **told,
        step_ms=round(seconds * 1000, 1),
    )
