"""Make, change, block and delete virtual keys; reading them is in key_reads.py."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.change import changing
from shared.admin.columns import amended_key
from shared.admin.key_reads import find_tokens, own_keys, token_of
from shared.admin.rewrite import KEYS, Edit, existing, rewrite
from shared.auth.keys import hash_key, key_name, make_key
from shared.domain import KeyHash, Scope
from shared.errors import BadRequest, GatewayError, NotFound, NotPermitted
from shared.storage import admin_keys
from shared.storage.admin_changes import insert_audit
from shared.storage.admin_users import ensure_users, find_user
from shared.wire.admin_keys import GeneratedKey, GenerateKey, KeyColumns, KeyInfo

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.storage.postgres import Transaction
    from shared.wire.admin_keys import DeleteKeys, NameKey, UpdateKey

NOTHING: Final = Decimal(0)

USERS_MAY_CHANGE: Final = frozenset({"key", "key_alias", "metadata", "tags"})
"""Of their own keys: nothing that widens them."""

USERS_MAY_NOT_GIVE: Final = frozenset({"spend", "permissions", "team_id", "organization_id"})
"""To a key that they make for themselves."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that is about to be written."""

    plaintext: str
    columns: KeyColumns
    spend: Decimal = NOTHING

    @property
    def token(self) -> KeyHash:
        """Its hash."""
        return hash_key(self.plaintext)


async def generate_key(
    desk: Desk, caller: Caller, request: GenerateKey, now: Millis
) -> GeneratedKey:
    """Make a key: an admin for anybody, a user for themselves."""
    columns = amended_key(KeyColumns(), request, desk, now)
    if not caller.is_admin:
        columns = _own(caller, request, columns)
    new = NewKey(request.key or make_key(), columns, request.spend or NOTHING)
    entities = [(Scope.KEY, str(new.token)), *await _new_owner(desk, columns.user_id)]
    async with changing(desk.stores, entities, _conflicts(columns)) as transaction:
        return await insert_key(transaction, caller, new)


async def insert_key(transaction: Transaction, caller: Caller, new: NewKey) -> GeneratedKey:
    """Write a new key, and its owner when nobody has that id yet."""
    if new.columns.user_id is not None:
        await ensure_users(transaction, [new.columns.user_id], by=caller.name)
    name = key_name(new.plaintext)
    await admin_keys.insert_key(
        transaction, new.token, name, new.columns, spend=new.spend, by=caller.name
    )
    info = await existing(transaction, KEYS, new.token)
    await insert_audit(transaction, caller.audit("created", KEYS.table, new.token, after=info))
    return GeneratedKey(**dict(info), key=new.plaintext, token_id=new.token)


async def update_key(desk: Desk, caller: Caller, request: UpdateKey, now: Millis) -> KeyInfo:
    """Change the fields of a key that the request holds."""
    token = token_of(request.key)
    (before,) = await own_keys(desk, caller, [token])
    if not (caller.is_admin or request.model_fields_set <= USERS_MAY_CHANGE):
        allowed = ", ".join(sorted(USERS_MAY_CHANGE - {"key"}))
        raise NotPermitted(f"Your role={caller.role} may change these fields only: {allowed}.")
    edit: Edit[KeyInfo] = Edit(
        entity_id=token,
        action="updated",
        change=lambda key: amended_key(key, request, desk, now),
        spend=request.spend,
        beside=tuple(await _new_owner(desk, request.user_id)),
        conflicts=_conflicts(amended_key(before, request, desk, now)),
    )
    return await rewrite(desk, caller, KEYS, edit, now)


async def block_key(
    desk: Desk, caller: Caller, request: NameKey, now: Millis, *, blocked: bool
) -> KeyInfo:
    """Block a key from its next request on, or let it in again."""
    token = token_of(request.key)
    await own_keys(desk, caller, [token])
    edit: Edit[KeyInfo] = Edit(
        entity_id=token,
        action="blocked" if blocked else "unblocked",
        change=lambda key: key.model_copy(update={"blocked": blocked}),
    )
    return await rewrite(desk, caller, KEYS, edit, now)


async def delete_keys(desk: Desk, caller: Caller, request: DeleteKeys) -> list[str]:
    """Archive all of the keys or none; return them as they were named."""
    named = [*(request.keys or []), *(request.key_aliases or [])]
    if not named:
        raise BadRequest("Name the keys to delete: keys or key_aliases.", param="keys")
    tokens = await find_tokens(desk, request)
    doomed = await own_keys(desk, caller, tokens)
    async with changing(desk.stores, [(Scope.KEY, token) for token in tokens]) as transaction:
        if await admin_keys.lock_doomed_keys(transaction, tokens) < len(tokens):
            raise NotFound("Key not found in database", param="key")
        await admin_keys.archive_keys(
            transaction,
            tokens,
            by=caller.name,
            by_key=caller.key_name,
            changed_by=caller.changed_by,
        )
        for key in doomed:
            line = caller.audit("deleted", KEYS.table, key.token, before=key)
            await insert_audit(transaction, line)
    return named


def _own(caller: Caller, request: GenerateKey, columns: KeyColumns) -> KeyColumns:
    given = USERS_MAY_NOT_GIVE & {
        name for name in request.model_fields_set if getattr(request, name)
    }
    if given:
        raise NotPermitted(
            f"Your role={caller.role} may not set {', '.join(sorted(given))} of a key.",
        )
    if columns.user_id not in (None, caller.user_id):
        raise NotPermitted("You can only make keys for yourself.", param="user_id")
    return columns.model_copy(update={"user_id": caller.user_id})


async def _new_owner(desk: Desk, user_id: str | None) -> list[Entity]:
    """Return the user when one must be made: a fence before an unchanged user would stay."""
    if user_id is None or await find_user(desk.stores.postgres, user_id) is not None:
        return []
    return [(Scope.USER, user_id)]


def _conflicts(columns: KeyColumns) -> dict[str, GatewayError]:
    return {
        "litellm_verificationtoken_key_alias_key": BadRequest(
            f"Key with alias '{columns.key_alias}' already exists. "
            "Unique key aliases across all keys are required.",
            param="key_alias",
        ),
        "litellm_verificationtoken_token_key": BadRequest("Key already exists.", param="key"),
        "litellm_verificationtoken_team_id_fkey": BadRequest(
            f"Unable to find team object in database. Team ID: {columns.team_id}",
            param="team_id",
        ),
    }
