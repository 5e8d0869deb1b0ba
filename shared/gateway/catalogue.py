"""Which models a caller sees: those it may call, and the access groups that it is in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.auth.authenticate import identify
from shared.auth.authorize import check_standing
from shared.auth.keys import presented_key
from shared.auth.visibility import may_see, with_own_models

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.config.model import Config
    from shared.domain import Deployment
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
    config = gateway.config.seen_by(principal.key.team_id)
    principal = with_own_models(principal, config.own_groups)
    groups = _groups(config)
    access_groups = [
        name for name in dict.fromkeys(_access_groups(groups)) if may_see(principal, name, ())
    ]
    if listing.only_access_groups:
        return access_groups
    names = [name for name, behind in groups.items() if may_see(principal, name, behind)]
    aliases = [*principal.key.aliases, *(principal.team.model_aliases if principal.team else ())]
    shown = [*names, *aliases, *(access_groups if listing.with_access_groups else ())]
    return list(dict.fromkeys(shown))


def _groups(config: Config) -> dict[str, Sequence[Deployment]]:
    """Collect the groups, and the router's aliases that are shown."""
    found: dict[str, Sequence[Deployment]] = {**config.groups}
    router = config.router
    for alias, target in router.model_group_alias.items():
        if alias not in router.hidden_aliases and target in found:
            found.setdefault(alias, found[target])
    return found


def _access_groups(groups: Mapping[str, Sequence[Deployment]]) -> Iterator[str]:
    for behind in groups.values():
        for deployment in behind:
            yield from deployment.access_groups
