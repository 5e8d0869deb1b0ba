"""Show virtual keys: to admins all of them, to everybody else their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.auth.keys import KEY_PREFIX, hash_key
from shared.domain import KeyHash
from shared.errors import BadRequest, NotFound, NotPermitted
from shared.storage import admin_keys
from shared.storage.admin_keys import KeyFilter, Page
from shared.wire.admin_keys import KeyInfoReply, KeyPage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.wire.admin_keys import DeleteKeys, KeyInfo, ListKeys


def token_of(presented: str) -> KeyHash:
    """Return the hash of a key that is named by its plaintext or by its hash."""
    return hash_key(presented) if presented.startswith(KEY_PREFIX) else KeyHash(presented.lower())


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
        key=key.token, info=desk.as_of(key, now), status="deleted" if deleted else None
    )


async def list_keys(desk: Desk, caller: Caller, query: ListKeys, now: Millis) -> KeyPage:
    """Return one page of the keys the caller may see: hashes, or whole keys when asked for."""
    which, page = _filter(caller, query), _page(query)
    total = await admin_keys.count_keys(desk.stores.postgres, which)
    found = await admin_keys.list_keys(desk.stores.postgres, which, page)
    is_full = query.return_full_object
    return KeyPage(
        keys=[desk.as_of(k, now) for k in found] if is_full else [k.token for k in found],
        total_count=total,
        current_page=query.page,
        total_pages=-(-total // query.size),
    )


async def own_keys(desk: Desk, caller: Caller, tokens: Sequence[KeyHash]) -> list[KeyInfo]:
    """Return keys the caller may change; raise when one is not there or not theirs."""
    found = await admin_keys.find_keys(desk.stores.postgres, tokens)
    if not caller.is_admin and not all(_owns(caller, key) for key in found):
        raise NotFound("Key not found in database", param="key")
    if len(found) < len(set(tokens)):
        raise NotFound("Key not found in database", param="key")
    return found


async def find_tokens(desk: Desk, request: DeleteKeys) -> list[KeyHash]:
    """Return the hashes of the keys that a request names, each once and in order."""
    aliases = set(request.key_aliases or [])
    behind = await admin_keys.find_tokens_of_aliases(desk.stores.postgres, sorted(aliases))
    if len(behind) < len(aliases):
        raise NotFound("Key not found in database", param="key")
    return sorted({*behind.values(), *map(token_of, request.keys or [])})


def may_see(caller: Caller, key: KeyInfo) -> bool:
    """Say whether a key may be shown: it is the caller's, or they see all."""
    return caller.sees_all or key.token == caller.key_hash or _owns(caller, key)


def _owns(caller: Caller, key: KeyInfo) -> bool:
    return caller.user_id is not None and key.user_id == caller.user_id


def _filter(caller: Caller, query: ListKeys) -> KeyFilter:
    if not caller.sees_all and query.user_id not in (None, caller.user_id):
        raise NotPermitted("You can only list your own keys.", param="user_id")
    return KeyFilter(
        token=None if query.key_hash is None else token_of(query.key_hash),
        user_id=query.user_id if caller.sees_all else caller.user_id,
        team_id=query.team_id,
        key_alias=query.key_alias,
    )


def _page(query: ListKeys) -> Page:
    return Page(
        size=query.size,
        skip=(query.page - 1) * query.size,
        sort_by=query.sort_by,
        descending=query.sort_order == "desc",
    )
