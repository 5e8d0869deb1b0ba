"""How deployments are doing, as Redis has it: cooling, busy, how fast lately."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

from shared.domain import Millis
from shared.storage.policies import encode_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.storage.redis import Runs

SAMPLES: Final = 100


@dataclass(frozen=True, slots=True)
class DeploymentState:
    """One deployment: the moment its cooldown ends, calls under way, the median latency in ms."""

    cooling_until: Millis | None
    active: int
    latency_ms: float | None


async def deployment_states(redis: Runs, ids: Sequence[str]) -> list[DeploymentState]:
    """Return the state of each deployment."""
    return [await _state(redis, encode_id(deployment_id)) for deployment_id in ids]


async def _state(redis: Runs, name: str) -> DeploymentState:
    found = await redis.execute(["MGET", f"cooldown:{name}", f"active_requests:{name}"])
    cooling, active = found if isinstance(found, list) else (None, None)
    members = await redis.execute(["ZREVRANGE", f"latency:{name}", 0, SAMPLES - 1])
    # A member is the latency and, after a colon, the request it was measured in.
    texts = (
        [str(member).partition(":")[0] for member in members] if isinstance(members, list) else []
    )
    latencies = [float(text) for text in texts if text.replace(".", "", 1).isdigit()]
    return DeploymentState(
        cooling_until=Millis(int(float(str(cooling)))) if cooling is not None else None,
        active=int(str(active)) if active is not None else 0,
        latency_ms=median(latencies) if latencies else None,
    )
