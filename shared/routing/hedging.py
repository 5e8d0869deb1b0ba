"""When a second deployment is asked beside one that is slow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from shared.domain import Endpoint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config.model import RouterSettings
    from shared.domain import Call

LEAST_SAMPLES: Final = 20
"""Fewer say nothing of how long most answers take."""

_HARMLESS: Final = frozenset(
    {
        *(Endpoint.CHAT, Endpoint.COMPLETION, Endpoint.MESSAGES),
        *(Endpoint.EMBEDDING, Endpoint.MODERATION, Endpoint.RERANK),
    }
)
"""What may be asked twice: it leaves nothing behind at a vendor, and is cheap to break off."""


def is_hedged(router: RouterSettings, group: str, call: Call) -> bool:
    """Tell whether a call of a model group may be asked of a second deployment."""
    is_wanted = router.hedged_requests or group in router.hedged_groups
    return is_wanted and call.endpoint in _HARMLESS and call.mock is None


def patience(samples: Sequence[int], percentile: int) -> float | None:
    """Tell after how many seconds an answer is later than most; None when too few are known."""
    if len(samples) < LEAST_SAMPLES:
        return None
    rank = math.ceil(len(samples) * percentile / 100)
    return sorted(samples)[rank - 1] / 1000
