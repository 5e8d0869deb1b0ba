"""Which models a caller may know of: those they may call. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.auth.authorize import may_call, may_key_call, may_team_call

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.domain import Principal


def may_see(
    principal: Principal,
    name: str,
    providers: Collection[str],
    access_groups: Collection[str] = (),
) -> bool:
    """Say whether a model group may be shown to the principal."""
    if principal.is_master:
        return True
    team, user = principal.team, principal.user
    behind = providers, access_groups
    return (
        may_key_call(principal, name, *behind)
        and (team is None or may_team_call(team, name, *behind))
        and (user is None or team is not None or may_call(user.models, name, *behind))
    )
