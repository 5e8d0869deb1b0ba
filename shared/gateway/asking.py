"""Ask one deployment, once: through its dialect, with its timeouts, in our errors."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from shared.domain import Usage
from shared.endpoints import COUNTING, Endpoint
from shared.errors import ProviderFailed, TransportFailed
from shared.gateway.deadlines import seconds_left
from shared.gateway.mocking import is_played, mocked_reply, mocked_stream
from shared.gateway.quotes import asked_of
from shared.gateway.timings import PROVIDER
from shared.providers.dialect import Reply
from shared.providers.heads import Head, shown_headers
from shared.providers.registry import counts_tokens, dialect_of, request_for, token_count
from shared.spend.tokens import estimate

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from shared.domain import Call, Timeouts
    from shared.gateway.replaying import Replay
    from shared.gateway.running import Running
    from shared.providers.dialect import Decoder, StreamEvent
    from shared.transport.client import Response

REPLY_CAP = 6 * 1024 * 1024
ERROR_CAP = 64 * 1024
_ERROR = 400
_LEAST_WAIT = 0.05


@dataclass(slots=True)
class OpenStream:
    """A provider's stream whose first event has come."""

    response: Response
    chunks: AsyncGenerator[bytes]
    decoder: Decoder
    first: list[StreamEvent]
    head: Head | None = None

    async def close(self) -> None:
        """Hang up."""
        await self.chunks.aclose()
        await self.response.close()


async def ask(running: Running) -> Reply:
    """Return the whole answer of the call's current deployment, or raise ProviderFailed."""
    call, to = running.call, running.deployment
    is_told = is_played(running)
    counts = not is_told and counts_tokens(to.provider, call.endpoint, to.model)
    if call.endpoint in COUNTING and not counts:
        return Reply(token_count(call.endpoint, estimate(call)), Usage(), None)
    if is_told:
        return await mocked_reply(running)
    dialect = dialect_of(to.provider, call.endpoint, to.model)
    with running.timings.step(PROVIDER):
        response = await _send(running)
        try:
            body = await response.read(REPLY_CAP)
        except TransportFailed as error:
            raise in_callers_terms(error) from error
    running.answers_from(response.headers)
    return replace(dialect.reply(call, body), head=_head(call, response))


async def open_stream(running: Running) -> OpenStream | Replay:
    """Return the stream of the current deployment once its first event is there.

    Until then nothing has gone out to the caller, so a failure can still be another's turn.
    """
    if is_played(running):
        return await mocked_stream(running)
    call, to = running.call, running.deployment
    dialect = dialect_of(to.provider, call.endpoint, to.model)
    decoder = dialect.decoder(call)
    began = time.perf_counter()
    response = await _send(running)
    chunks = response.chunks()
    try:
        first = await _first_events(chunks, decoder)
    except TransportFailed as error:
        raise in_callers_terms(error) from error
    except BaseException:
        await chunks.aclose()
        await response.close()
        raise
    finally:
        running.timings.add(PROVIDER, time.perf_counter() - began)
    running.answers_from(response.headers)
    return OpenStream(response, chunks, decoder, first, _head(call, response))


def _head(call: Call, response: Response) -> Head | None:
    """Return the head of an answer that is passed on with its body."""
    if call.endpoint is not Endpoint.PASS_THROUGH:
        return None
    return Head(response.status, shown_headers(response.headers))


async def _first_events(chunks: AsyncGenerator[bytes], decoder: Decoder) -> list[StreamEvent]:
    async for chunk in chunks:
        if events := decoder.feed(chunk):
            return _unless_failed(events)
    if events := decoder.end():
        return _unless_failed(events)
    raise ProviderFailed(
        "The provider's stream ended before it began.",
        status=502,
        type="api_error",
        retryable=True,
    )


def _unless_failed(events: list[StreamEvent]) -> list[StreamEvent]:
    if events[0].error is not None:
        raise events[0].error
    return events


async def _send(running: Running) -> Response:
    call, deployment = asked_of(running.call, running.quote.group), running.deployment
    stores = running.gateway.stores
    request = replace(request_for(call, deployment), reach=deployment.reach)
    try:
        request = await stores.keyring.opened(request, deployment, running.gateway.clock.now())
        response = await stores.http.send(request, _timeouts(running))
        if response.status < _ERROR:
            return response
        body = await response.read(ERROR_CAP)
    except TransportFailed as error:
        raise in_callers_terms(error) from error
    dialect = dialect_of(deployment.provider, call.endpoint, deployment.model)
    raise dialect.error(response.status, response.headers, body)


def _timeouts(running: Running) -> Timeouts:
    """Return the deployment's timeouts, cut to the caller's own and to what the process has.

    Of a stream the caller's own limits what it waits for, not how long the answer may be.
    """
    call, deployment = running.call, running.deployment
    timeouts = deployment.stream_timeouts if call.is_stream else deployment.timeouts
    left, own = seconds_left(running), math.inf if call.timeout is None else call.timeout
    most = max(min(left, own), _LEAST_WAIT)
    if most == math.inf:
        return timeouts
    whole = max(left, _LEAST_WAIT) if call.is_stream else most
    return replace(
        timeouts,
        connect=min(timeouts.connect, most),
        first_byte=min(timeouts.first_byte, most),
        total=min(timeouts.total, whole),
    )


def in_callers_terms(error: TransportFailed) -> ProviderFailed:
    """Say in the caller's terms that no complete answer came."""
    match error.phase:
        case "first_byte" | "between_bytes" | "total":
            return ProviderFailed(
                f"The provider did not answer in time ({error.phase}).",
                status=408,
                type="timeout_error",
                retryable=True,
            )
        case "too_large":
            return ProviderFailed(
                "The provider's answer is too large.",
                status=502,
                type="api_error",
                retryable=False,
            )
        case _:
            return ProviderFailed(
                f"The provider could not be reached ({error.phase}).",
                status=502,
                type="api_connection_error",
                retryable=True,
            )
