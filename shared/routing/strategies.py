"""How a deployment is chosen among those of one order that have room.

Pure, and the oracle of lua/places.lua: there the same is decided inside admit, where alone it holds
for all processes at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config.model import RouterSettings

TIMED_OUT: Final = "1000000:1000000000:1000000"
"""The sample of a deployment that did not answer in time: a thousand seconds."""


@dataclass(frozen=True, slots=True)
class Sample:
    """How long one answer took; `per_token_us` is the whole where no tokens were written."""

    latency_ms: int
    per_token_us: int
    first_token_ms: int | None = None

    @classmethod
    def of(cls, latency_ms: float, completion_tokens: int, first_token_ms: float | None) -> Sample:
        """Measure an answer."""
        return cls(
            latency_ms=int(latency_ms),
            per_token_us=int(latency_ms * 1000 / max(1, completion_tokens)),
            first_token_ms=None if first_token_ms is None else int(first_token_ms),
        )

    @property
    def text(self) -> str:
        """Write it as it stands in `latency:{id}`, but for the request's id at its end."""
        first = "" if self.first_token_ms is None else self.first_token_ms
        return f"{self.latency_ms}:{self.per_token_us}:{first}"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What is known of one deployment; `samples` are the latest, the newest last."""

    cools: bool = False
    active: int = 0
    requests: int = 0
    tokens: int = 0
    tokens_this_minute: int = 0
    samples: tuple[Sample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one deployment can bear; None: anything."""

    max_parallel: int | None = None
    rpm: int | None = None
    tpm: int | None = None


def strategy_word(router: RouterSettings, group: str, *, is_stream: bool) -> str:
    """Name a group's strategy as the scripts know it."""
    match router.group_strategies.get(group, router.strategy):
        case "least-busy":
            return "active"
        case "usage-based-routing" | "usage-based-routing-v2":
            return "tokens"
        case "latency-based-routing":
            kind = "first_token" if is_stream else "latency"
            return f"{kind} {router.latency_buffer:.6f} {router.latency_samples}"
        case _:
            return "sent"


def is_by_cost(router: RouterSettings, group: str) -> bool:
    """Tell whether a group's cheapest deployment comes first."""
    return router.group_strategies.get(group, router.strategy) == "cost-based-routing"


def has_room(state: State, limits: Limits, tokens: int) -> bool:
    """Tell whether a deployment may take one more call of so many tokens."""
    return not (
        state.cools
        or (limits.max_parallel is not None and state.active >= limits.max_parallel)
        or (limits.rpm is not None and state.requests + 1 > limits.rpm)
        or (limits.tpm is not None and state.tokens + tokens > limits.tpm)
    )


def choose(strategy: str, ranked: Sequence[tuple[State, Limits]], tokens: int) -> int | None:
    """Choose among deployments of one order, in the order they were ranked; None without room."""
    kind, *words = strategy.split()
    buffer, samples = (float(words[0]), int(words[1])) if words else (0.0, 0)
    scores = {
        position: _score(kind, state, samples)
        for position, (state, limits) in enumerate(ranked)
        if has_room(state, limits, tokens)
    }
    if not scores:
        return None
    as_good = min(scores.values()) * (1 + buffer)
    return next(position for position, score in scores.items() if score <= as_good)


def _score(kind: str, state: State, samples: int) -> float:
    match kind:
        case "active":
            return state.active
        case "tokens":
            return state.tokens_this_minute
        case "latency":
            return _mean([sample.per_token_us for sample in state.samples[-samples:]])
        case "first_token":
            firsts = [sample.first_token_ms for sample in state.samples[-samples:]]
            return _mean([first for first in firsts if first is not None])
        case _:
            return 0


def _mean(values: Sequence[int]) -> float:
    # One that nobody has asked yet comes first.
    return sum(values) / len(values) if values else 0
