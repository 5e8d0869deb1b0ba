"""A team's callbacks: LiteLLM sends requests to a team's own Langfuse and others, we to nobody.

What would be stored and never obeyed is refused, so that who relies on it learns at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from shared.admin.teams import own_team
from shared.errors import BadRequest, NotFound
from shared.wire.admin_teams import CallbackData, TeamCallbacks

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.wire.admin_teams import AddCallback


async def add(desk: Desk, caller: Caller, team_id: str, request: AddCallback) -> NoReturn:
    """Raise BadRequest for a team of the caller's."""
    await own_team(desk, caller, team_id, request.model_fields_set)
    raise BadRequest(
        f"Callback {request.callback_name!r} is not supported: no request is sent to callbacks. "
        "/spend/logs and the daily-activity reports tell what a team called.",
        param="callback_name",
    )


async def show(desk: Desk, caller: Caller, team_id: str) -> TeamCallbacks:
    """Return that there are none, of a team of the caller's."""
    await own_team(desk, caller, team_id, ())
    return TeamCallbacks(data=CallbackData(team_id=team_id))


async def delete(desk: Desk, caller: Caller, team_id: str, name: str) -> NoReturn:
    """Raise NotFound for a team of the caller's."""
    await own_team(desk, caller, team_id, ())
    raise NotFound(f"Callback {name!r} is not set for team {team_id}.", param="callback_name")
