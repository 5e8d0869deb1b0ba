"""How long a call may still take: the process that serves it may be about to end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.domain import Call
    from shared.gateway.gateway import Gateway
    from shared.gateway.running import Running

RESERVED_SECONDS: Final = 1.5
"""What telling the caller and settling need."""

LEAST_SECONDS: Final = 1.0
"""Less than this is not worth asking anybody."""


LONGEST_REST_SECONDS: Final = 8.0
"""How long a call waits for a deployment that cools, when there is no other to ask."""

_JITTER_SECONDS: Final = 0.2


def seconds_left(running: Running) -> float:
    """Tell how long a provider may still take; infinite where nothing ends the process."""
    return _left(running.gateway, running.call)


def rest_until(gateway: Gateway, call: Call, back_in_ms: int) -> float | None:
    """Tell how long to rest until the first deployment is back; None when it is not worth it.

    A call that may not be retried does not wait either.
    """
    rest = back_in_ms / 1000
    retries = gateway.config.router.num_retries if call.num_retries is None else call.num_retries
    is_soon = 0 < rest <= LONGEST_REST_SECONDS and rest + LEAST_SECONDS <= _left(gateway, call)
    if not is_soon or retries == 0:
        return None
    # Not all at the same moment, or whoever comes back first gets them all.
    return rest + gateway.random.uniform(0, _JITTER_SECONDS)


def _left(gateway: Gateway, call: Call) -> float:
    if call.deadline is None:
        return math.inf
    return (call.deadline - gateway.clock.now()) / 1000 - RESERVED_SECONDS
