"""Who is asking: the master key, a virtual key, or nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from shared.auth.authenticate import MASTER, authenticate
from shared.auth.keys import hash_key
from shared.domain import Millis
from shared.errors import KeyNotFound, NotAuthenticated, PostgresDown

if TYPE_CHECKING:
    from local.door.server import DoorThread
    from shared.settings import Settings
    from shared.storage.stores import Stores

NOW = Millis(1_760_000_000_000)
TOKEN = "sk-a-virtual-key"


async def given_key(stores: Stores, token: str = TOKEN) -> str:
    key_hash = hash_key(token)
    await stores.postgres.run(
        "insert into litellm_verificationtoken (token) values (%(token)s)", token=key_hash
    )
    return key_hash


async def test_the_master_key_asks_no_store(
    stores: Stores, settings: Settings, door: DoorThread
) -> None:
    principal = await authenticate(settings.master_key, stores, settings, NOW)

    assert MASTER is principal
    assert "proxy_admin" == (principal.user.role if principal.user else None)
    assert 0 == door.calls.http


async def test_the_master_key_or_its_hash_is_nowhere_in_its_principal(settings: Settings) -> None:
    told = repr(MASTER)

    assert settings.master_key not in told
    assert hash_key(settings.master_key) not in told


async def test_a_virtual_key_is_found(stores: Stores, settings: Settings) -> None:
    key_hash = await given_key(stores)

    principal = await authenticate(TOKEN, stores, settings, NOW)

    assert (key_hash, False) == (principal.key.entity_id, principal.is_master)


@pytest.mark.parametrize(
    ("presented", "message"),
    [
        (None, "No api key passed in"),
        ("", "Malformed API Key"),
        ("not-a-key", r"Received=no\*\*\*\*ey, expected to start with 'sk-'"),
        ("short", r"Received=\*\*\*\*, expected"),
        ("sk", "expected to start with 'sk-'"),
        ("\udcff\ud800 key", "expected to start with 'sk-'"),
    ],
)
async def test_what_is_no_key_is_refused_without_asking_a_store(
    stores: Stores, settings: Settings, door: DoorThread, presented: str | None, message: str
) -> None:
    with pytest.raises(NotAuthenticated, match=message):
        await authenticate(presented, stores, settings, NOW)

    assert 0 == door.calls.http


async def test_a_hash_is_no_key(stores: Stores, settings: Settings) -> None:
    key_hash = await given_key(stores)

    with pytest.raises(NotAuthenticated, match="expected to start with"):
        await authenticate(key_hash, stores, settings, NOW)


@pytest.mark.parametrize(
    "presented",
    [
        "sk-",
        "sk-nobody",
        "sk-' or true --",
        TOKEN + " ",
        "sk-A-VIRTUAL-KEY",
        "sk-\udcff",
        "sk-\x00",
    ],
)
async def test_a_key_nobody_made_is_not_found_and_not_told(
    stores: Stores, settings: Settings, presented: str
) -> None:
    await given_key(stores)

    with pytest.raises(KeyNotFound) as refused:
        await authenticate(presented, stores, settings, NOW)

    assert presented not in refused.value.message


@pytest.mark.parametrize("presented", ["sk-master-of-the-test", "sk-master-of-the-tests2", "sk-"])
async def test_nearly_the_master_key_is_not_it(
    stores: Stores, settings: Settings, presented: str
) -> None:
    with pytest.raises(KeyNotFound):
        await authenticate(presented, stores, settings, NOW)


async def test_without_postgres_an_unknown_key_is_not_called_wrong(
    stores: Stores, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def down(*_: object) -> None:
        raise PostgresDown("away")

    monkeypatch.setattr(type(stores.postgres), "_answer", down)

    with pytest.raises(PostgresDown):
        await authenticate("sk-nobody", stores, settings, NOW)
