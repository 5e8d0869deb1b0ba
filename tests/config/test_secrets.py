"""Secrets at rest: sealed under a named key, opened only at their place, replaced key by key."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shared.config.secrets import Unsealable, Vault, is_sealed

PLACE = "model/m/api_key"


def test_a_sealed_secret_opens_again_and_does_not_show() -> None:
    vault = Vault("salt")

    sealed = vault.seal("sk-canary", PLACE)

    assert is_sealed(sealed)
    assert "canary" not in sealed
    assert "sk-canary" == vault.open(sealed, PLACE)


def test_the_same_secret_never_looks_the_same() -> None:
    vault = Vault("salt")

    assert vault.seal("sk-canary", PLACE) != vault.seal("sk-canary", PLACE)


def test_a_secret_moved_to_another_place_does_not_open() -> None:
    vault = Vault("salt")
    sealed = vault.seal("sk-canary", PLACE)

    with pytest.raises(Unsealable, match="changed or moved"):
        vault.open(sealed, "model/another/api_key")


@pytest.mark.parametrize("change", [lambda s: s[:-2], lambda s: s + "AAAA", lambda s: s + "!"])
def test_a_changed_secret_does_not_open(change: object) -> None:
    assert callable(change)
    vault = Vault("salt")
    sealed = vault.seal("sk-canary", PLACE)

    with pytest.raises(Unsealable, match="changed or moved"):
        vault.open(str(change(sealed)), PLACE)


def test_another_key_does_not_open() -> None:
    sealed = Vault("salt").seal("sk-canary", PLACE)

    with pytest.raises(Unsealable, match="LITELLM_SALT_KEY"):
        Vault("another").open(sealed, PLACE)


def test_after_a_new_key_what_the_previous_sealed_still_opens() -> None:
    sealed = Vault("old").seal("sk-canary", PLACE)

    vault = Vault("new", ["old"])

    assert "sk-canary" == vault.open(sealed, PLACE)
    assert not vault.is_current(sealed)
    assert vault.is_current(vault.seal("sk-canary", PLACE))


def test_nothing_is_imported_before_the_first_secret() -> None:
    code = (
        "import sys; from shared.config.live import vault_of; from shared.config.secrets import "
        "Vault; Vault('salt'); print('cryptography' in sys.modules)"
    )

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "False" == ran.stdout.strip()
