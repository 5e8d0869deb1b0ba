"""Which deployments of a group may take a call at all: by team, then by tags, as LiteLLM has it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.errors import NotAuthenticated

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.config.model import RouterSettings
    from shared.domain import Call, Deployment

DEFAULT_TAG: Final = "default"
"""The tag of deployments that take whatever fits no other's."""


def eligible(
    deployments: Sequence[Deployment], call: Call, team_id: str | None, router: RouterSettings
) -> list[Deployment]:
    """Keep the team's own deployments, else everybody's, and of those the ones with the tags.

    Raise NotAuthenticated when a call's tags fit none.
    """
    own = [each for each in deployments if team_id is not None and each.team_id == team_id]
    reachable = own or [each for each in deployments if each.team_id is None]
    if not router.enable_tag_filtering or not reachable:
        return reachable
    return _tagged(reachable, call, match_any=router.tag_filtering_match_any)


def _tagged(deployments: list[Deployment], call: Call, *, match_any: bool) -> list[Deployment]:
    asked = set(call.tags)
    by_default = [each for each in deployments if DEFAULT_TAG in each.tags]
    if not asked:
        return by_default or deployments
    fitting = [
        each
        for each in deployments
        if (asked.intersection(each.tags) if match_any else asked.issubset(each.tags))
    ]
    if not fitting and not by_default:
        raise NotAuthenticated("Not allowed to access model due to tags configuration")
    return fitting or by_default
