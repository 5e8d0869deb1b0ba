"""Leave out deployments that cannot or may not take a call, before anybody is asked.

Where `router_settings.enable_pre_call_checks` is on, as in LiteLLM.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.errors import BadRequest, ContextWindowExceeded
from shared.gateway.quotes import ANY_ERROR
from shared.spend.prices import price_of
from shared.spend.tokens import estimate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shared.domain import Call, Deployment, Principal
    from shared.gateway.quotes import Group

ALLOWED_REGION: Final = "allowed_model_region"

_ALSO: Final[Mapping[str, tuple[str, ...]]] = {"eu": ("eu", "europe")}
"""What vendors call a region beside LiteLLM's name: Google says `europe-west4`."""


def region_of(principal: Principal) -> str | None:
    """Tell in which region alone the calls of an end user may be answered (`eu`, `us`)."""
    if principal.end_user is None:
        return None
    region = principal.end_user.metadata.get(ALLOWED_REGION)
    return region if isinstance(region, str) and region else None


def in_region(call: Call, groups: Sequence[Group], region: str | None) -> list[Group]:
    """Keep the deployments that are known to be in a region. Raise BadRequest when none is."""
    if region is None:
        return list(groups)
    kept = [
        replace(group, deployments=[d for d in group.deployments if is_in(d.region, region)])
        for group in groups
    ]
    kept = [group for group in kept if group.deployments]
    if not any("any" in group.helps for group in kept):
        raise BadRequest(
            f"No deployment of model={call.model} is in the region {region}, which is the only one "
            "allowed to this end user.",
            param="model",
        )
    return kept


def is_in(place: str, region: str) -> bool:
    """Tell whether a vendor's name of a place (`eu-west-1`, `europe-west4`) is in a region."""
    names = _ALSO.get(region, (region,))
    return any(place == name or place.startswith(f"{name}-") for name in names)


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
