"""Make, change, block and delete virtual keys; reading them is in key_reads.py."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from shared.admin.change import changing
from shared.admin.columns import amended_key, guarded
from shared.admin.key_access import (
    check_end_user_budget,
    check_member,
    check_team_of_service,
    ended_as_team_says,
    own_keys,
    placed,
    token_of,
    within,
)
from shared.admin.key_reads import find_tokens
from shared.admin.newcomers import bounded, new_key_of
from shared.admin.rewrite import KEYS, Edit, existing, rewrite
from shared.auth.keys import hash_key, key_name, make_key
from shared.domain import KeyHash, Scope
from shared.errors import BadRequest, GatewayError, NotFound
from shared.storage import admin_keys
from shared.storage.admin_budgets import find_budget
from shared.storage.admin_changes import insert_audit
from shared.storage.admin_users import ensure_users, find_user
from shared.wire.admin_keys import (
    GeneratedKey,
    GenerateKey,
    KeyColumns,
    KeyInfo,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.policies import Entity
    from shared.storage.postgres import Transaction
    from shared.wire.admin_budgets import BudgetInfo
    from shared.wire.admin_keys import DeleteKeys, KeyFields, NameKey, UpdateKey

NOTHING: Final = Decimal(0)


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
    """Make a key: an admin for anybody, a team's admin for its members, a user for themselves."""
    new = new_key_of(desk, request, now)
    columns = amended_key(KeyColumns(), new, desk, now)
    if not caller.is_admin:
        columns = await placed(desk, caller, request, columns)
    if new.duration is None:
        columns = await ended_as_team_says(desk, columns, now)
    return await _make(desk, caller, request, columns)


async def generate_service_key(
    desk: Desk, caller: Caller, request: GenerateKey, now: Millis
) -> GeneratedKey:
    """Make a key of a team that is nobody's: it stays when people leave."""
    await check_team_of_service(desk, request)
    columns = amended_key(KeyColumns(), new_key_of(desk, request, now), desk, now)
    if not caller.is_admin:
        await placed(desk, caller, request, columns)
    account = {"service_account_id": request.key_alias or request.team_id}
    metadata = {**columns.metadata, **account}
    return await _make(desk, caller, request, columns.model_copy(update={"metadata": metadata}))


async def _make(
    desk: Desk, caller: Caller, request: GenerateKey, columns: KeyColumns
) -> GeneratedKey:
    new = NewKey(request.key or make_key(), columns, request.spend or NOTHING)
    entities = [
        (Scope.KEY, str(new.token)),
        *await _new_owner(desk, columns.user_id),
        *await check_end_user_budget(desk, caller, None, columns),
    ]
    async with changing(desk.stores, entities, conflicts_of(columns)) as transaction:
        return await insert_key(transaction, caller, new)


async def insert_key(transaction: Transaction, caller: Caller, new: NewKey) -> GeneratedKey:
    """Write a new key, and its owner when nobody has that id yet."""
    columns = within(caller, new.columns)
    if columns.user_id is not None:
        await ensure_users(transaction, [columns.user_id], by=caller.name)
    name = key_name(new.plaintext)
    await admin_keys.insert_key(
        transaction, new.token, name, columns, spend=new.spend, by=caller.name
    )
    info = await existing(transaction, KEYS, new.token)
    await insert_audit(transaction, caller.audit("created", KEYS.table, new.token, after=info))
    return generated(new.plaintext, info, await find_budget(transaction, info.budget_id))


async def known_key(desk: Desk, plaintext: str) -> GeneratedKey | None:
    """Show a key that was made with this secret, None when there is none."""
    db = desk.stores.postgres
    found = await admin_keys.find_key(db, hash_key(plaintext))
    if found is None:
        return None
    return generated(plaintext, found, await find_budget(db, found.budget_id))


def generated(plaintext: str, key: KeyInfo, budget: BudgetInfo | None) -> GeneratedKey:
    """Show a key with its secret, and at the top what lies in its metadata."""
    shown = key.metadata.keys() & GeneratedKey.model_fields.keys() - KeyInfo.model_fields.keys()
    return GeneratedKey.model_validate(
        {
            **{name: key.metadata[name] for name in shown},
            **dict(key),
            "key": plaintext,
            "token_id": key.token,
            "litellm_budget_table": budget,
        }
    )


async def update_key(desk: Desk, caller: Caller, request: UpdateKey, now: Millis) -> KeyInfo:
    """Change the fields of a key that the request holds."""
    ((before, standing),) = await own_keys(desk, caller, [token_of(request.key)])
    caller.check_fields(standing, request.model_fields_set)
    edit = await edit_of(desk, caller, before, request, now)
    return await rewrite(desk, caller, KEYS, edit, now)


async def edit_of(
    desk: Desk, caller: Caller, before: KeyInfo, request: KeyFields, now: Millis
) -> Edit[KeyInfo]:
    """Return the edit that gives a key the fields of a request; raise when it must not be."""
    request = bounded(desk, request, now)
    is_given_away = request.user_id is not None and request.user_id != before.user_id
    if is_given_away and not caller.is_admin:
        await check_member(desk, before.team_id, request.user_id)

    def change(key: KeyInfo) -> KeyInfo:
        after = amended_key(key, request, desk, now)
        if caller.is_admin:
            return after
        return guarded(key, within(caller, after), request)

    after = change(before)
    told = await check_end_user_budget(desk, caller, before, after)
    return Edit(
        entity_id=before.token,
        action="updated",
        change=change,
        spend=request.spend,
        beside=(*await _new_owner(desk, request.user_id), *told),
        conflicts=conflicts_of(after),
    )


async def block_key(
    desk: Desk, caller: Caller, request: NameKey, now: Millis, *, blocked: bool
) -> KeyInfo:
    """Block a key from its next request on, or let it in again."""
    ((before, standing),) = await own_keys(desk, caller, [token_of(request.key)])
    caller.check_fields(standing, request.model_fields_set)
    edit: Edit[KeyInfo] = Edit(
        entity_id=before.token,
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
    theirs = await own_keys(desk, caller, tokens)
    for _, standing in theirs:
        caller.check_fields(standing, request.model_fields_set)
    async with changing(desk.stores, [(Scope.KEY, token) for token in tokens]) as transaction:
        if await admin_keys.lock_doomed_keys(transaction, tokens) < len(tokens):
            raise NotFound("Key not found in database", param="key")
        await bury_keys(transaction, caller, [key for key, _ in theirs])
    return named


async def bury_keys(transaction: Transaction, caller: Caller, keys: Sequence[KeyInfo]) -> None:
    """Archive keys that are held, and remove them."""
    await admin_keys.archive_keys(
        transaction,
        [KeyHash(key.token) for key in keys],
        by=caller.name,
        by_key=caller.key_name,
        changed_by=caller.changed_by,
    )
    for key in keys:
        line = caller.audit("deleted", KEYS.table, key.token, before=key)
        await insert_audit(transaction, line)


async def bury_keys_of(
    transaction: Transaction,
    caller: Caller,
    entities: list[Entity],
    *,
    user_ids: Sequence[str] = (),
    team_ids: Sequence[str] = (),
    organization_ids: Sequence[str] = (),
) -> None:
    """Archive the keys of users, teams or organisations that are held, the very newest as well.

    Their policies are added to `entities`, which are to be published.
    """
    tokens = await admin_keys.find_tokens_of(
        transaction, user_ids=user_ids, team_ids=team_ids, organization_ids=organization_ids
    )
    await admin_keys.lock_doomed_keys(transaction, tokens)
    await bury_keys(transaction, caller, await admin_keys.find_keys(transaction, tokens))
    known = set(entities)
    entities += [(Scope.KEY, str(token)) for token in tokens if (Scope.KEY, token) not in known]


async def _new_owner(desk: Desk, user_id: str | None) -> list[Entity]:
    """Return the user when one must be made: a fence before an unchanged user would stay."""
    if user_id is None or await find_user(desk.stores.postgres, user_id) is not None:
        return []
    return [(Scope.USER, user_id)]


def conflicts_of(columns: KeyColumns) -> dict[str, GatewayError]:
    """Say what a broken constraint means to whoever sent these columns."""
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
        "litellm_verificationtoken_budget_id_fkey": BadRequest(
            f"Budget not found, passed budget id: {columns.budget_id}.", param="budget_id"
        ),
    }
