"""Leave out deployments that cannot take the prompt (`router_settings.enable_pre_call_checks`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.errors import ContextWindowExceeded
from shared.gateway.quotes import ANY_ERROR
from shared.spend.prices import price_of
from shared.spend.tokens import estimate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.domain import Call, Deployment
    from shared.gateway.quotes import Group


def within_context(call: Call, groups: Sequence[Group]) -> list[Group]:
    """Keep the deployments whose context window takes the prompt, by what it probably has.

    Where that leaves none of the model that was asked for, its `context_window_fallbacks` come
    first. Raise ContextWindowExceeded when nobody is left.
    """
    tokens = estimate(call)
    kept = [
        replace(group, deployments=[d for d in group.deployments if _takes(d, tokens)])
        for group in groups
    ]
    if not kept[0].deployments:
        special = [replace(g, helps=ANY_ERROR) for g in kept if "context_window" in g.helps]
        names = {group.name for group in special}
        kept = [*special, *(group for group in kept if group.name not in names)]
    kept = [group for group in kept if group.deployments]
    if not any("any" in group.helps for group in kept):
        raise ContextWindowExceeded(
            f"The prompt has about {tokens} tokens, more than any deployment of "
            f"model={call.model} takes.",
            status=400,
            type="invalid_request_error",
            param="messages",
            retryable=False,
        )
    return kept


def _takes(deployment: Deployment, tokens: int) -> bool:
    price = price_of(deployment, None)
    return price is None or price.max_input_tokens is None or tokens <= price.max_input_tokens
