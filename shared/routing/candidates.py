"""The deployments that could take a call, in the order in which they should be asked."""

from __future__ import annotations

import math
from itertools import groupby
from typing import TYPE_CHECKING, Final

from shared.routing.groups import deployments_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from shared.config.model import Config
    from shared.domain import Deployment

_METRICS: Final[tuple[Callable[[Deployment], int | None], ...]] = (
    lambda deployment: deployment.weight,
    lambda deployment: deployment.rpm,
    lambda deployment: deployment.tpm,
)


def candidates(config: Config, model: str, random: Random) -> list[Deployment]:
    """Rank the deployments behind a model's name; none when nobody serves it."""
    return ranked(deployments_of(config, model), random)


def ranked(deployments: Sequence[Deployment], random: Random) -> list[Deployment]:
    """Rank by LiteLLM's `order`, lowest first, and shuffle by weight within each."""
    by_order = sorted(deployments, key=lambda deployment: deployment.order)
    levels = groupby(by_order, key=lambda deployment: deployment.order)
    return [deployment for _, level in levels for deployment in shuffled(tuple(level), random)]


def shuffled(deployments: Sequence[Deployment], random: Random) -> list[Deployment]:
    """Draw all, one after another, each with a chance by its weight among those that are left.

    The weight is `weight`, else `rpm`, else `tpm`: the first that any of them has; where none has
    any, all are alike. A deployment without that weight is drawn after all that have it.
    """
    for metric in _METRICS:
        weights = [metric(deployment) or 0 for deployment in deployments]
        if any(weights):
            break
    else:
        weights = [1] * len(deployments)
    # Sorting by Exp(weight) is the same as repeated weighted draws (Efraimidis, Spirakis 2006).
    turns = [
        (-math.log(1 - random.random()) / weight if weight else math.inf, random.random())
        for weight in weights
    ]
    order = sorted(range(len(deployments)), key=turns.__getitem__)
    return [deployments[position] for position in order]
