"""The models that stand in for one that fails: after any error, or after one kind of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.errors import NotAuthenticated
from shared.gateway.quotes import ANY_ERROR, Group
from shared.routing.candidates import candidates
from shared.routing.eligible import eligible
from shared.routing.fallbacks import fallback_chain, special_chain

if TYPE_CHECKING:
    from shared.domain import Call, Deployment, Principal
    from shared.gateway.gateway import Gateway
    from shared.gateway.quotes import StandsIn

_NEVER: Final[frozenset[StandsIn]] = frozenset()


def stand_ins(gateway: Gateway, principal: Principal, call: Call, model: str) -> list[Group]:
    """List the groups to ask after `model`: those for any error first, for admit knows no other."""
    config = gateway.config
    router = config.router
    helps: dict[str, frozenset[StandsIn]] = dict.fromkeys(
        fallback_chain(config, model, call), ANY_ERROR
    )
    special: tuple[tuple[StandsIn, list[str]], ...] = (
        (
            "context_window",
            special_chain(
                config,
                model,
                call,
                call.own_fallbacks.context_window,
                router.context_window_fallbacks,
            ),
        ),
        (
            "content_policy",
            special_chain(
                config,
                model,
                call,
                call.own_fallbacks.content_policy,
                router.content_policy_fallbacks,
            ),
        ),
    )
    for kind, names in special:
        for name in names:
            helps[name] = helps.get(name, _NEVER) | frozenset((kind,))
    return [
        Group(name, _reachable(gateway, principal, call, name), when)
        for name, when in helps.items()
    ]


def _reachable(gateway: Gateway, principal: Principal, call: Call, name: str) -> list[Deployment]:
    found = candidates(gateway.config, name, gateway.random)
    try:
        return eligible(found, call, principal.key.team_id, gateway.config.router)
    except NotAuthenticated:
        # The call's tags fit none there.
        return []
