"""The life of a request: authenticate → authorize → hold → choose → attempt → settle.

Read this file first. `serve` returns an answer that is ready to be sent; whoever sends it calls
`finish` on it afterwards, whatever happened meanwhile, and the call is settled then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import GatewayError
from shared.gateway.asking import ask, open_stream
from shared.gateway.attempts import first_success
from shared.gateway.finishing import finish
from shared.gateway.holding import hold
from shared.gateway.relay import Relay
from shared.gateway.replaying import Replay

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, JsonObject
    from shared.gateway.gateway import Gateway
    from shared.gateway.running import Running
    from shared.providers.heads import Head


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, `raw` where it is no JSON; `running` still holds its room until `finish`."""

    body: JsonObject
    running: Running
    raw: bytes | None = None
    media_type: str = "application/json"
    head: Head | None = None

    async def finish(self) -> None:
        """Settle the call, once the caller has the answer."""
        await finish(self.running.settle())


async def serve(
    gateway: Gateway, headers: Mapping[str, str], call: Call, route: str
) -> Answer | Relay:
    """Take one call through its life; raise GatewayError where it ends without an answer.

    `headers` is where the caller presents its key.
    """
    return await answered(await hold(gateway, headers, call, route))


async def answered(running: Running) -> Answer | Relay:
    """Answer a call that holds its room; settle it where it ends without an answer."""
    if running.admitted.is_hit:
        return _known(running)
    try:
        if running.call.is_stream:
            stream = await first_success(running, open_stream)
            return Relay(running, stream)
        reply = await first_success(running, ask)
        running.take(reply)
        body = reply.body if running.caching is None else running.caching.take(reply.body)
        answer = Answer(running.shown(body), running, reply.raw, reply.media_type, reply.head)
        # The caller's next call may be on its way before this one's slot is free again.
        if running.plan.leases:
            await answer.finish()
    except BaseException as error:
        running.fail(error if isinstance(error, GatewayError) else None)
        await finish(running.settle())
        raise
    return answer


def _known(running: Running) -> Answer | Relay:
    """Give the answer that the cache had, in the form it was asked for."""
    caching = running.caching
    if running.call.is_stream:
        return Relay(running, Replay(caching.events() if caching else ()))
    body = caching.answer() if caching else {}
    return Answer(running.shown(body), running)
