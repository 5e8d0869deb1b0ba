"""Who is asking: the master key, or the principal behind a virtual key."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from shared.auth.directory import Directory
from shared.auth.grace import find_by_any_secret
from shared.auth.keys import KEY_PREFIX, hash_key, masked
from shared.domain import Key, Millis, Principal, Role, Scope, User
from shared.errors import NotAuthenticated
from shared.storage.principals import NOBODY, Named

if TYPE_CHECKING:
    from shared.settings import Settings
    from shared.storage.stores import Stores

MASTER_KEY_ALIAS = "litellm_proxy_master_key"
"""What the ledger calls the master key: never the key, never its hash."""

MASTER_USER_ID = "default_user_id"

MASTER = Principal(
    key=Key(
        scope=Scope.KEY,
        entity_id=MASTER_KEY_ALIAS,
        version=0,
        budget_started_at=Millis(0),
        key_alias=MASTER_KEY_ALIAS,
        user_id=MASTER_USER_ID,
    ),
    user=User(
        scope=Scope.USER,
        entity_id=MASTER_USER_ID,
        version=0,
        budget_started_at=Millis(0),
        role=Role.PROXY_ADMIN,
    ),
    is_master=True,
)


async def authenticate(
    presented: str | None, stores: Stores, settings: Settings, now: Millis
) -> Principal:
    """Return who presents this key, as Redis or Postgres know them now.

    For callers that do not admit: management routes, model lists. Raise NotAuthenticated.
    """
    return await identify(presented, Directory(stores), settings, now, fresh=True)


async def identify(
    presented: str | None,
    directory: Directory,
    settings: Settings,
    now: Millis,
    *,
    named: Named = NOBODY,
    fresh: bool = False,
) -> Principal:
    """Return who presents this key, as this process knows them; admit checks it is still so.

    `named` says for which end user and under which tags they ask.
    """
    key = _checked(presented)
    if hmac.compare_digest(key.encode("utf-8", "surrogatepass"), settings.master_key.encode()):
        return MASTER
    if not key.startswith(KEY_PREFIX):
        # Else a hash read from a log or a database could be used as a key.
        raise NotAuthenticated(
            f"Authentication Error, LiteLLM Virtual Key expected. Received={masked(key)}, "
            f"expected to start with '{KEY_PREFIX}'.",
        )
    return await find_by_any_secret(directory, named.by(hash_key(key)), now, fresh=fresh)


def _checked(presented: str | None) -> str:
    if presented is None:
        raise NotAuthenticated("Authentication Error, No api key passed in.")
    if not presented:
        raise NotAuthenticated(
            "Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix.",
        )
    return presented
