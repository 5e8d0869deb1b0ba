"""Which models a caller sees: those it may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.auth.authenticate import identify
from shared.auth.authorize import (
    check_standing,
    may_call,
    may_key_call,
    may_team_call,
)

if TYPE_CHECKING:
    from shared.domain import Principal
    from shared.gateway.gateway import Gateway

ALLOW_MODEL_LIST = "allow_model_list"


async def visible_models(gateway: Gateway, presented: str | None) -> list[str]:
    """Return the names the caller may call, in the order of the configuration.

    A key with `permissions.allow_model_list` false sees none. Raise NotAuthenticated.
    """
    gateway = await gateway.refreshed()
    now = gateway.clock.now()
    principal = await identify(presented, gateway.directory, gateway.settings, now, fresh=True)
    check_standing(principal, now)
    if principal.key.permissions.get(ALLOW_MODEL_LIST) is False:
        return []
    by_group: dict[str, set[str]] = {}
    for deployment in gateway.config.deployments:
        by_group.setdefault(deployment.model_group, set()).add(deployment.provider)
    names = [name for name, providers in by_group.items() if _may_see(principal, name, providers)]
    aliases = [*principal.key.aliases, *(principal.team.model_aliases if principal.team else ())]
    return list(dict.fromkeys([*names, *aliases]))


def _may_see(principal: Principal, name: str, providers: set[str]) -> bool:
    if principal.is_master:
        return True
    team, user = principal.team, principal.user
    return (
        may_key_call(principal, name, providers)
        and (team is None or may_team_call(team, name, providers))
        and (user is None or team is not None or may_call(user.models, name, providers))
    )
