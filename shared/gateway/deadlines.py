"""How long a call may still take: the process that serves it may be about to end."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.gateway.running import Running

RESERVED_SECONDS: Final = 1.5
"""What telling the caller and settling need."""

LEAST_SECONDS: Final = 1.0
"""Less than this is not worth asking anybody."""


def seconds_left(running: Running) -> float:
    """Tell how long a provider may still take; infinite where nothing ends the process."""
    deadline = running.call.deadline
    if deadline is None:
        return math.inf
    return (deadline - running.gateway.clock.now()) / 1000 - RESERVED_SECONDS
