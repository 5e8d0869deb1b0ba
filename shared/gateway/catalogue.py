"""Which models a caller sees: those it may call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.auth.authenticate import identify
from shared.auth.authorize import check_standing
from shared.auth.keys import presented_key
from shared.auth.visibility import may_see, with_own_models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.gateway.gateway import Gateway

ALLOW_MODEL_LIST = "allow_model_list"


async def visible_models(gateway: Gateway, headers: Mapping[str, str]) -> list[str]:
    """Return the names the caller may call, in the order of the configuration.

    A key with `permissions.allow_model_list` false sees none. Raise NotAuthenticated.
    """
    gateway = await gateway.refreshed()
    now = gateway.clock.now()
    presented = presented_key(headers, gateway.config.general.key_header_name)
    principal = await identify(presented, gateway.directory, gateway.settings, now, fresh=True)
    check_standing(principal, now)
    if principal.key.permissions.get(ALLOW_MODEL_LIST) is False:
        return []
    config = gateway.config.seen_by(principal.key.team_id)
    principal = with_own_models(principal, config.own_groups)
    names = [name for name, behind in config.groups.items() if may_see(principal, name, behind)]
    aliases = [*principal.key.aliases, *(principal.team.model_aliases if principal.team else ())]
    return list(dict.fromkeys([*names, *aliases]))
