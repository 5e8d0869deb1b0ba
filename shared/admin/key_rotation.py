"""Give keys another secret, perhaps with a time in which both are good; start spend anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.admin.key_access import own_keys, token_of
from shared.admin.keys import conflicts_of, edit_of, generated
from shared.admin.rewrite import KEYS, Edit, rewrite
from shared.admin.rotation import rotate_master_key
from shared.auth.keys import hash_key, key_name, make_key
from shared.domain import Key, KeyHash, Principal, Scope
from shared.errors import BadRequest, RedisDown
from shared.limits.budgets import BudgetRules, budgets_of
from shared.limits.models import ModelNames
from shared.limits.periods import expires_at
from shared.observability import log
from shared.storage import admin_keys
from shared.storage.admin_budgets import find_budget
from shared.storage.admin_changes import carry_counters, find_counter
from shared.storage.columns import dollars, moment
from shared.storage.principals import find_policies
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from decimal import Decimal

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.domain import Millis
    from shared.storage.postgres import Transaction
    from shared.wire.admin_keys import GeneratedKey, KeyInfo, RegenerateKey, ResetSpend


async def regenerate_key(
    desk: Desk, caller: Caller, presented: str | None, request: RegenerateKey, now: Millis
) -> GeneratedKey:
    """Give a key another secret; the old one is good until the grace period ends, if there is one.

    Without a name it is the caller's own. What was spent and is being spent stays spent: in the
    key's own budget as its opening, in its windows by their counters, which are carried along.
    """
    if request.new_master_key is not None:
        return await rotate_master_key(desk, caller, request)
    token = _named(caller, presented or request.key)
    ((before, standing),) = await own_keys(desk, caller, [token])
    caller.check_fields(standing, request.model_fields_set | {"key"})
    plaintext = request.new_key or make_key()
    new_token, revoke_at = hash_key(plaintext), None
    if request.grace_period is not None:
        revoke_at = moment(expires_at(request.grace_period, now))
    edit = await edit_of(desk, caller, before, request, now)

    async def rotate(transaction: Transaction, key: KeyInfo) -> str:
        name = key_name(plaintext)
        await admin_keys.rotate_key(transaction, token, new_token, name, by=caller.name)
        if revoke_at is None:
            await admin_keys.end_grace(transaction, new_token)
        # Also without grace: rows of the former secret that are still to come are the key's.
        until = moment(now) if revoke_at is None else revoke_at
        await admin_keys.begin_grace(transaction, token, new_token, until)
        if (spent := await _live_spend(desk, key, now)) is not None:
            await admin_keys.set_key_spend(transaction, new_token, spent)
        return new_token

    conflicts = {
        **conflicts_of(before),
        "litellm_verificationtoken_token_key": BadRequest("Key already exists.", param="new_key"),
    }
    entities = (*edit.beside, (Scope.KEY, str(new_token)))
    rotated = replace(edit, action="rotated", beside=entities, then=rotate, conflicts=conflicts)
    key = await rewrite(desk, caller, KEYS, rotated, now)
    await _carry_windows(desk, token, new_token, now)
    return generated(plaintext, key, await find_budget(desk.stores.postgres, key.budget_id))


async def reset_key_spend(
    desk: Desk, caller: Caller, presented: str, request: ResetSpend, now: Millis
) -> KeyInfo:
    """Start a key's period by hand, with so much already spent."""
    ((before, standing),) = await own_keys(desk, caller, [token_of(presented)])
    caller.check_fields(standing, request.model_fields_set)
    edit: Edit[KeyInfo] = Edit(
        entity_id=before.token, action="updated", change=lambda key: key, spend=request.reset_to
    )
    return await rewrite(desk, caller, KEYS, edit, now)


def _named(caller: Caller, presented: str | None) -> KeyHash:
    if presented is not None:
        return token_of(presented)
    if caller.key_hash is None:
        raise BadRequest("Name a key: the master key has no row.", param="key")
    return caller.key_hash


async def _carry_windows(desk: Desk, former: KeyHash, token: KeyHash, now: Millis) -> None:
    """Let what was spent in spans and on models count on under the new secret."""
    found = await find_policies(desk.stores.postgres, [(Scope.KEY, token)])
    rules = BudgetRules(calendar=desk.calendar)
    bearers = [
        budget.line.bearer
        for key in found
        if isinstance(key, Key)
        for model in (*key.model_max_budget, "")
        for budget in budgets_of(Principal(key), ModelNames((model,)), now, rules, is_free=False)
    ]
    of_key = [each for each in bearers if each.scope is Scope.KEY and not each.is_own]
    pairs = [(replace(each, entity_id=former), each) for each in dict.fromkeys(of_key)]
    try:
        await carry_counters(desk.stores.redis, pairs)
    except (RedisDown, RedisRefused) as error:
        log.warning("counters_not_carried", reason=str(error), counters=len(pairs))


async def _live_spend(desk: Desk, key: KeyInfo, now: Millis) -> Decimal | None:
    """Return what a key has spent in its period by the counter, calls under way included.

    It becomes the opening of a new period, to which late rows of the former one add nothing.
    """
    try:
        counter = await find_counter(desk.stores.redis, Scope.KEY, key.token)
    except (RedisDown, RedisRefused) as error:
        log.warning("counter_not_read", reason=str(error))
        return None
    if counter is None or counter.since != desk.period_of(key, now).since:
        return None
    return dollars(counter.spent + counter.reserved)
