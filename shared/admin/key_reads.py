"""Show virtual keys: to admins all of them, to everybody else those they have a standing over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.admin.key_access import may_see, token_of
from shared.domain import KeyHash
from shared.errors import BadRequest, NotFound, NotPermitted
from shared.storage import admin_keys, admin_users
from shared.storage.admin_budgets import find_budget
from shared.storage.admin_keys import KeyFilter, Page
from shared.wire.admin_keys import (
    AliasPage,
    KeyInfoReply,
    KeyInfosReply,
    KeyOwner,
    KeyPage,
    OwnedKey,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_keys import DeleteKeys, KeyInfo, ListAliases, ListKeys, NameKeys


async def key_info(desk: Desk, caller: Caller, presented: str | None, now: Millis) -> KeyInfoReply:
    """Tell about a key, without a name about the caller's own; deleted ones are remembered."""
    if presented is None and caller.key_hash is None:
        raise BadRequest("Name a key: the master key has no row.", param="key")
    token = token_of(presented) if presented is not None else caller.key_hash
    db = desk.stores.postgres
    found = await admin_keys.find_key(db, token or KeyHash(""))
    deleted = None if found else await admin_keys.find_deleted_key(db, token or KeyHash(""))
    key = found or deleted
    if key is None and caller.sees_all:
        raise NotFound("Key not found in database", param="key")
    if key is None or not may_see(caller, key):
        # The same words for a key that is not there: who may not see it learns nothing.
        raise NotPermitted(
            f"You are not allowed to access this key's info. Your role={caller.role}",
        )
    return KeyInfoReply(
        key=key.token,
        info=desk.as_of(key, now),
        status="deleted" if deleted else None,
        budget=await find_budget(db, key.budget_id),
    )


async def key_infos(desk: Desk, caller: Caller, request: NameKeys, now: Millis) -> KeyInfosReply:
    """Tell about those of the keys that there are and the caller may see."""
    if request.keys is None:
        raise BadRequest("Name the keys: keys.", param="keys")
    tokens = [token_of(key) for key in request.keys]
    found = await admin_keys.find_keys(desk.stores.postgres, tokens)
    return KeyInfosReply(
        key=request.keys, info=[desk.as_of(key, now) for key in found if may_see(caller, key)]
    )


async def list_keys(desk: Desk, caller: Caller, query: ListKeys, now: Millis) -> KeyPage:
    """Return one page of the keys the caller may see: hashes, or whole keys when asked for."""
    which, page = _filter(caller, query), _page(query)
    db, is_deleted = desk.stores.postgres, query.status == "deleted"
    total = await admin_keys.count_keys(db, which, is_deleted=is_deleted)
    found = await admin_keys.list_keys(db, which, page, is_deleted=is_deleted)
    if query.return_full_object or query.expand:
        keys = await _owned(desk, [desk.as_of(key, now) for key in found], query)
    else:
        keys = [key.token for key in found]
    return KeyPage(
        keys=keys,
        total_count=total,
        current_page=query.page,
        total_pages=-(-total // query.size),
    )


async def list_aliases(desk: Desk, caller: Caller, query: ListAliases) -> AliasPage:
    """Return one page of the aliases of the keys the caller may see."""
    is_run = query.team_id is not None and caller.runs_team(query.team_id)
    which = KeyFilter(
        everybodys=caller.sees_all,
        user_ids=_mine(caller),
        team_ids=(query.team_id,) if is_run and query.team_id else (),
        team_id=query.team_id,
        search=query.search,
    )
    page = Page(size=query.size, skip=(query.page - 1) * query.size)
    total = await admin_keys.count_aliases(desk.stores.postgres, which)
    return AliasPage(
        aliases=await admin_keys.list_aliases(desk.stores.postgres, which, page),
        total_count=total,
        current_page=query.page,
        total_pages=-(-total // query.size),
        size=query.size,
    )


async def find_tokens(desk: Desk, request: DeleteKeys) -> list[KeyHash]:
    """Return the hashes of the keys that a request names, each once and in order."""
    aliases = set(request.key_aliases or [])
    behind = await admin_keys.find_tokens_of_aliases(desk.stores.postgres, sorted(aliases))
    if len(behind) < len(aliases):
        raise NotFound("Key not found in database", param="key")
    return sorted({*behind.values(), *map(token_of, request.keys or [])})


async def _owned(desk: Desk, keys: Sequence[KeyInfo], query: ListKeys) -> list[OwnedKey]:
    owners: dict[str, KeyOwner] = {}
    if query.expand and "user" in query.expand:
        wanted = sorted({key.user_id for key in keys if key.user_id is not None})
        owners = {
            user.user_id: KeyOwner(
                user_id=user.user_id, user_email=user.user_email, user_alias=user.user_alias
            )
            for user in await admin_users.find_users(desk.stores.postgres, wanted)
        }
    return [OwnedKey(**dict(key), user=owners.get(key.user_id or "")) for key in keys]


def _mine(caller: Caller) -> tuple[str, ...]:
    return (caller.user_id,) if caller.user_id is not None else ()


def _filter(caller: Caller, query: ListKeys) -> KeyFilter:
    runs_it = query.team_id is not None and caller.runs_team(query.team_id)
    if not (caller.sees_all or runs_it or query.user_id in (None, caller.user_id)):
        raise NotPermitted("You can only list your own keys.", param="user_id")
    run = [team for team in caller.relations.teams if caller.runs_team(team)]
    is_of_teams = query.include_team_keys or runs_it
    return KeyFilter(
        everybodys=caller.sees_all,
        user_ids=_mine(caller),
        team_ids=tuple(run) if is_of_teams else (),
        creators=_mine(caller) if query.include_created_by_keys else (),
        token=None if query.key_hash is None else token_of(query.key_hash),
        user_id=query.user_id,
        team_id=query.team_id,
        organization_id=query.organization_id,
        key_alias=query.key_alias,
        search=query.search,
    )


def _page(query: ListKeys) -> Page:
    return Page(
        size=query.size,
        skip=(query.page - 1) * query.size,
        sort_by=query.sort_by,
        descending=query.sort_order == "desc",
    )
