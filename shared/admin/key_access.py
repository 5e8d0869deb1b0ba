"""What a caller is to a key, and what that allows: pure but for reading the rows in question."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from shared.admin.caller import may_route
from shared.admin.desk import expiry
from shared.admin.permissions import Standing
from shared.auth.keys import KEY_PREFIX, hash_key
from shared.domain import KeyHash, Scope
from shared.errors import BadRequest, NotFound, NotPermitted
from shared.storage import admin_keys, admin_teams
from shared.storage.admin_budgets import find_budget

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.wire.admin_keys import GenerateKey, KeyColumns, KeyInfo

OfKey = TypeVar("OfKey", bound="KeyColumns")

END_USER_BUDGET: Final = "end_user_budget_id"
SEE: Final = "/key/info"


def token_of(presented: str) -> KeyHash:
    """Return the hash of a key that is named by its plaintext or by its hash."""
    return hash_key(presented) if presented.startswith(KEY_PREFIX) else KeyHash(presented.lower())


def standing_over(caller: Caller, key: KeyInfo, permission: str) -> Standing | None:
    """Tell what the caller is to a key; None to a stranger's.

    `permission` is what a team may have left to its members.
    """
    if caller.is_admin or caller.runs_team(key.team_id):
        return caller.over_team(key.team_id)
    if key.team_id is None and key.organization_id in caller.relations.run_organizations:
        return Standing.ORG_ADMIN
    if owns(caller, key) or caller.may_as_member(key.team_id, permission):
        return caller.standing
    return None


def owns(caller: Caller, key: KeyInfo) -> bool:
    """Say whether a key is the caller's own."""
    return caller.user_id is not None and key.user_id == caller.user_id


def may_see(caller: Caller, key: KeyInfo) -> bool:
    """Say whether a key may be shown to the caller."""
    if caller.sees_all or key.token == caller.key_hash:
        return True
    return standing_over(caller, key, SEE) is not None


async def own_keys(
    desk: Desk, caller: Caller, tokens: Sequence[KeyHash]
) -> list[tuple[KeyInfo, Standing]]:
    """Return keys the caller has a standing over; raise when one is not there or a stranger's."""
    found = await admin_keys.find_keys(desk.stores.postgres, tokens)
    permission = caller.route.partition(" ")[2].replace("/{key}", "")
    standings = [standing_over(caller, key, permission) for key in found]
    theirs = [
        (key, standing)
        for key, standing in zip(found, standings, strict=True)
        if standing is not None
    ]
    if len(theirs) < len(set(tokens)):
        # The same words for a key that is not there: who may not see it learns nothing.
        raise NotFound("Key not found in database", param="key")
    return theirs


async def placed(
    desk: Desk, caller: Caller, request: GenerateKey, columns: KeyColumns
) -> KeyColumns:
    """Return a new key with its owner where somebody below the admins makes it.

    Raise NotPermitted when they may not make such a key.
    """
    team_id, permission = columns.team_id, caller.route.partition(" ")[2]
    standing = caller.standing if team_id is None else caller.over_team(team_id)
    runs_team = team_id is not None and caller.runs_team(team_id)
    if not runs_team and team_id is not None and not caller.may_as_member(team_id, permission):
        raise NotPermitted(
            f"Team={team_id} does not let you make keys: ask one of its admins.", param="team_id"
        )
    # A field that is empty gives a new key nothing.
    given = {name for name in request.model_fields_set if getattr(request, name)}
    caller.check_fields(standing, given)
    if columns.user_id in (None, caller.user_id):
        return columns.model_copy(update={"user_id": caller.user_id})
    if not runs_team:
        raise NotPermitted("You can only make keys for yourself.", param="user_id")
    await check_member(desk, team_id, columns.user_id)
    return columns


def within(caller: Caller, columns: OfKey) -> OfKey:
    """Keep a key from reaching further than the one that makes it; raise NotPermitted."""
    own = caller.allowed_routes
    if not own:
        return columns
    if not columns.allowed_routes:
        return columns.model_copy(update={"allowed_routes": list(own)})
    wider = [
        route for route in columns.allowed_routes if route not in own and not may_route(own, route)
    ]
    if wider:
        raise NotPermitted(
            f"Your own key does not reach these routes: {', '.join(sorted(wider))}.",
            param="allowed_routes",
        )
    return columns


async def check_team_of_service(desk: Desk, request: GenerateKey) -> None:
    """Raise BadRequest when a service account has no team, or is somebody's."""
    if request.team_id is None:
        raise BadRequest(
            "team_id is required for service account keys. Please specify `team_id` in the "
            "request body.",
            param="team_id",
        )
    if request.user_id is not None:
        raise BadRequest("A service account belongs to a team, not to a user.", param="user_id")
    if await admin_teams.find_team(desk.stores.postgres, request.team_id) is None:
        raise NotFound(f"Team not found, passed team id: {request.team_id}.", param="team_id")


async def ended_as_team_says(desk: Desk, columns: KeyColumns, now: Millis) -> KeyColumns:
    """Let a member's key end when their team says that such keys do."""
    if columns.team_id is None or columns.user_id is None:
        return columns
    team = await admin_teams.find_team(desk.stores.postgres, columns.team_id)
    duration = team.metadata.get("team_member_key_duration") if team is not None else None
    if not isinstance(duration, str):
        return columns
    return columns.model_copy(update={"expires": expiry(duration, now)})


async def check_end_user_budget(
    desk: Desk, caller: Caller, before: KeyColumns | None, after: KeyColumns
) -> list[Entity]:
    """Check the budget that a key gives end users, which goes before the proxy's own (LiteLLM).

    Return what becomes known with it: from now on calls look for the end users they name.
    """
    wanted = after.metadata.get(END_USER_BUDGET)
    if wanted == (before.metadata.get(END_USER_BUDGET) if before else None):
        return []
    if not caller.is_admin:
        raise NotPermitted(
            "Only proxy admins can set end_user_budget_id on a key.", param=END_USER_BUDGET
        )
    if not wanted:
        return []
    if not isinstance(wanted, str) or await find_budget(desk.stores.postgres, wanted) is None:
        raise BadRequest(
            f"end_user_budget_id={wanted} does not match any budget.", param=END_USER_BUDGET
        )
    return [(Scope.LIMITED, Scope.END_USER)]


async def check_member(desk: Desk, team_id: str | None, user_id: str | None) -> None:
    """Raise NotPermitted when a user is not in the team."""
    team = await admin_teams.find_team(desk.stores.postgres, team_id or "")
    members = team.members_with_roles if team is not None else []
    if user_id not in {member.user_id for member in members}:
        raise NotPermitted("You can only give keys of a team to its members.", param="user_id")
