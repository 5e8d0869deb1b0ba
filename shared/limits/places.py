"""What admit must know of a deployment that may take a call. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.limits.windows import MINUTE, MINUTE_MS
from shared.storage.key_names import encode_id
from shared.storage.plans import SENT, CandidateLine, Place

if TYPE_CHECKING:
    from shared.domain import Deployment, Millis, Nanodollars


@dataclass(frozen=True, slots=True)
class Candidate:
    """A deployment that may take the call, and the most the call may cost there."""

    deployment: Deployment
    reservation: Nanodollars
    level: int = 0
    strategy: str = SENT


def candidate_line(candidate: Candidate, now: Millis) -> CandidateLine:
    """Say what admit must know of a candidate in this minute."""
    deployment = candidate.deployment
    return CandidateLine(
        place=place_of(deployment.id, now),
        reservation=candidate.reservation,
        level=candidate.level,
        strategy=candidate.strategy,
        max_parallel=deployment.max_parallel_requests,
        rpm=deployment.rpm,
        tpm=deployment.tpm,
    )


def place_of(deployment_id: str, now: Millis) -> Place:
    """Name the keys of a deployment's state in this minute."""
    name = encode_id(deployment_id)
    return Place(
        cooldown_key=f"cooldown:{name}",
        parallel_key=f"parallel:deployment:{name}",
        active_key=f"active_requests:{name}",
        latency_key=f"latency:{name}",
        current_key=MINUTE.key("deployment", deployment_id, now),
        previous_key=MINUTE.key("deployment", deployment_id, now - MINUTE_MS),
    )
