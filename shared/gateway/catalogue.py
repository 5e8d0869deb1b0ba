"""Which models a caller sees: those it may call, and the access groups that it is in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from shared.auth.authenticate import identify
from shared.auth.authorize import check_standing
from shared.auth.keys import presented_key
from shared.auth.visibility import may_see

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.config.model import Config
    from shared.domain import Deployment, Principal
    from shared.gateway.gateway import Gateway

ALLOW_MODEL_LIST = "allow_model_list"


@dataclass(frozen=True, slots=True)
class Listing:
    """What a caller wants to see beside models (LiteLLM's `…_model_access_groups`)."""

    with_access_groups: bool = False
    only_access_groups: bool = False


async def visible_models(
    gateway: Gateway, headers: Mapping[str, str], listing: Listing | None = None
) -> list[str]:
    """Return the names the caller may call, in the order of the configuration.

    A key with `permissions.allow_model_list` false sees none. Raise NotAuthenticated.
    """
    listing = listing or Listing()
    gateway = await gateway.refreshed()
    now = gateway.clock.now()
    presented = presented_key(headers, gateway.config.general.key_header_name)
    principal = await identify(presented, gateway.directory, gateway.settings, now, fresh=True)
    check_standing(principal, now)
    if principal.key.permissions.get(ALLOW_MODEL_LIST) is False:
        return []
    groups = _groups(gateway.config, principal)
    access_groups = [
        name
        for name in dict.fromkeys(name for group in groups.values() for name in group.access_groups)
        if may_see(principal, name, ())
    ]
    if listing.only_access_groups:
        return access_groups
    names = [
        name
        for name, group in groups.items()
        if may_see(principal, name, group.providers, group.access_groups)
    ]
    aliases = [*principal.key.aliases, *(principal.team.model_aliases if principal.team else ())]
    shown = [*names, *aliases, *(access_groups if listing.with_access_groups else ())]
    return list(dict.fromkeys(shown))


@dataclass(slots=True)
class _Behind:
    """What is behind a name: by what a caller's lists may speak of it."""

    providers: set[str] = field(default_factory=set[str])
    access_groups: dict[str, None] = field(default_factory=dict[str, None])

    def add(self, deployments: Iterable[Deployment]) -> None:
        for deployment in deployments:
            self.providers.add(deployment.provider)
            self.access_groups |= dict.fromkeys(deployment.access_groups)


def _groups(config: Config, principal: Principal) -> dict[str, _Behind]:
    """Collect the groups, but for other teams' own, and the router's aliases that are shown."""
    found: dict[str, _Behind] = {}
    for deployment in config.deployments:
        is_shared = deployment.team_id is None or principal.is_master
        if is_shared or deployment.team_id == principal.key.team_id:
            found.setdefault(deployment.model_group, _Behind()).add([deployment])
    router = config.router
    for alias, target in router.model_group_alias.items():
        if alias not in router.hidden_aliases and target in found:
            found.setdefault(alias, found[target])
    return found
