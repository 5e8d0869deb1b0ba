"""Which models a caller may know of: those they may call. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.auth.authorize import may_call, may_key_call, may_team_call

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.domain import Deployment, Principal


def with_own_models(principal: Principal, names: Collection[str]) -> Principal:
    """Return the principal with its team's own models in the team's list, if there is a list."""
    team = principal.team
    if team is None or not team.models or not names:
        return principal
    return replace(principal, team=replace(team, models=(*team.models, *names)))


def may_see(principal: Principal, name: str, deployments: Collection[Deployment]) -> bool:
    """Say whether a model group may be shown to the principal."""
    if principal.is_master:
        return True
    providers = {deployment.provider for deployment in deployments}
    access_groups = {name for deployment in deployments for name in deployment.access_groups}
    team, user = principal.team, principal.user
    if not may_key_call(principal, name, providers, access_groups):
        return False
    if team is not None:
        return may_team_call(team, name, providers, access_groups)
    return user is None or may_call(user.models, name, providers, access_groups)
