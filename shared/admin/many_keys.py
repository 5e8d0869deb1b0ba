"""Change many keys by one request, each for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.admin.key_access import own_keys, token_of
from shared.admin.keys import update_key
from shared.errors import BadRequest, NotFound, NotPermitted, Refused
from shared.storage import admin_keys
from shared.storage.columns import moment
from shared.wire.admin_fields import MAX_AT_ONCE
from shared.wire.admin_keys import NotUpdatedKey, UpdatedKey, UpdatedKeys, UpdateKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_keys import UpdateKeys, UpdateTeamKeys


async def update_keys(desk: Desk, caller: Caller, request: UpdateKeys, now: Millis) -> UpdatedKeys:
    """Change many keys: what is refused for one is told beside the others."""
    return await _each(desk, caller, request.keys, None, now)


async def update_team_keys(
    desk: Desk, caller: Caller, request: UpdateTeamKeys, now: Millis
) -> UpdatedKeys:
    """Give keys of a team the same fields, or each its own; a key of no other team is touched."""
    changes = request.keys or await _broadcast(desk, caller, request, now)
    return await _each(desk, caller, changes, request.team_id, now)


async def _broadcast(
    desk: Desk, caller: Caller, request: UpdateTeamKeys, now: Millis
) -> list[UpdateKey]:
    named = request.key_ids or await _all_of(desk, caller, request.team_id, now)
    fields = request.update_fields
    values = {name: getattr(fields, name) for name in fields.model_fields_set} if fields else {}
    # Checked already, field by field.
    return [
        UpdateKey.model_construct(_fields_set={"key", *values}, key=key, **values)
        for key in {token_of(key): key for key in named}.values()
    ]


async def _all_of(desk: Desk, caller: Caller, team_id: str, now: Millis) -> list[str]:
    """Return the keys of a team that can be used: as in LiteLLM, no other is revived by this."""
    if caller.over_team(team_id) is None:
        raise NotPermitted(
            f"You are not an admin of this team. Requested team={team_id}", param="team_id"
        )
    db = desk.stores.postgres
    keys = await admin_keys.find_keys(db, await admin_keys.find_tokens_of(db, team_ids=[team_id]))
    good = [
        key.token
        for key in keys
        if not key.blocked and (key.expires is None or key.expires > moment(now))
    ]
    if not good:
        raise NotFound(f"No keys found for team {team_id}", param="team_id")
    if len(good) > MAX_AT_ONCE:
        raise BadRequest(
            f"Team {team_id} has more than {MAX_AT_ONCE} keys. Use `key_ids` to update in batches "
            f"of {MAX_AT_ONCE}.",
            param="all_keys_in_team",
        )
    return good


async def _each(
    desk: Desk, caller: Caller, changes: Sequence[UpdateKey], team_id: str | None, now: Millis
) -> UpdatedKeys:
    done: list[UpdatedKey] = []
    failed: list[NotUpdatedKey] = []
    for one in changes:
        try:
            if team_id is not None:
                await _check_team(desk, caller, one, team_id)
            key = await update_key(desk, caller, one, now)
            done.append(UpdatedKey(key=key.token, key_info=key))
        except Refused as error:
            failed.append(NotUpdatedKey(key=token_of(one.key), failed_reason=error.message))
    return UpdatedKeys(total_requested=len(changes), successful_updates=done, failed_updates=failed)


async def _check_team(desk: Desk, caller: Caller, one: UpdateKey, team_id: str) -> None:
    ((key, _),) = await own_keys(desk, caller, [token_of(one.key)])
    if key.team_id != team_id:
        raise NotFound(f"Key not found in team {team_id}", param="key")
