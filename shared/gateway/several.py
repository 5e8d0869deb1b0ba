"""One call of several models, named with commas as in LiteLLM: all their answers, or the first.

Each model's call is a call of its own: with its id, its limits, its place in the ledger.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.domain import Endpoint
from shared.errors import BadRequest, GatewayError
from shared.gateway.finishing import finish
from shared.gateway.serve import serve
from shared.spend.ids import uuid7

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from shared.domain import Call
    from shared.gateway.gateway import Gateway
    from shared.gateway.relay import Relay
    from shared.gateway.serve import Answer

    Racer = asyncio.Task[Answer | Relay]

MOST_MODELS: Final = 10


def each_of(gateway: Gateway, call: Call) -> list[Call]:
    """Return the calls that one of several models stands for; none when it names one model."""
    if call.endpoint is not Endpoint.CHAT or "," not in call.model:
        return []
    if call.model in gateway.current().config.groups:
        return []
    names = [name.strip() for name in call.model.split(",")]
    if not all(names) or len(names) > MOST_MODELS:
        raise BadRequest(f"model may name up to {MOST_MODELS} models, with commas.", param="model")
    now = gateway.clock.now()
    return [replace(call, id=uuid7(now), model=name) for name in names]


async def serve_each(
    gateway: Gateway, headers: Mapping[str, str], calls: Sequence[Call], route: str
) -> list[Answer | Relay | GatewayError]:
    """Answer all calls at once; raise the first one's error where none has an answer."""
    if any(call.is_stream for call in calls):
        raise BadRequest(
            "Several models at once answer as a stream with fastest_response only.", param="stream"
        )
    tasks = [asyncio.create_task(serve(gateway, headers, call, route)) for call in calls]
    await asyncio.wait(tasks)
    failed = [error for task in tasks if (error := task.exception()) is not None]
    unexpected = next((error for error in failed if not isinstance(error, GatewayError)), None)
    if unexpected is not None or len(failed) == len(tasks):
        await _end(tasks)
        raise unexpected or failed[0]
    return [_outcome(task) for task in tasks]


async def serve_fastest(
    gateway: Gateway, headers: Mapping[str, str], calls: Sequence[Call], route: str
) -> Answer | Relay:
    """Return the first answer and end all other calls; raise an error where none has one."""
    tasks = [asyncio.create_task(serve(gateway, headers, call, route)) for call in calls]
    racing = set(tasks)
    try:
        while racing:
            done, racing = await asyncio.wait(racing, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                if task in done and task.exception() is None:
                    return task.result()
    finally:
        won = next((task for task in tasks if task.done() and not _has_failed(task)), None)
        await finish(_end(task for task in tasks if task is not won))
    raise tasks[0].exception() or RuntimeError("a race without a winner")


async def _end(tasks: Iterable[Racer]) -> None:
    """End calls that nobody will hear of; what they were answered meanwhile is billed."""
    ended = list(tasks)
    for task in ended:
        task.cancel()
    for result in await asyncio.gather(*ended, return_exceptions=True):
        if not isinstance(result, BaseException):
            await result.finish()


def _has_failed(task: Racer) -> bool:
    return task.cancelled() or task.exception() is not None


def _outcome(task: Racer) -> Answer | Relay | GatewayError:
    error = task.exception()
    return error if isinstance(error, GatewayError) else task.result()
