"""Secrets at rest: AES-256-GCM under a key derived from LITELLM_SALT_KEY, else the master key.

A sealed value is `enc:KEY_ID:BASE64`. The key's id tells which of several keys opens it, so that a
key can be replaced while values of the old one are still there. The place a value belongs to (a
model's id and the field) is authenticated with it: moved elsewhere, it does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from functools import cached_property
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX: Final = "enc:"

_NONCE_BYTES: Final = 12
_LABEL: Final = b"tollgate provider keys v1"
_ID_LABEL: Final = b"tollgate key id v1"
_ID_LENGTH: Final = 12


class Unsealable(Exception):  # noqa: N818 - reads as a sentence
    """No key of ours opens this value; the message does not repeat it."""


class Vault:
    """Seals with the current key; opens with it and with the previous ones."""

    def __init__(self, secret: str, previous: Sequence[str] = ()) -> None:
        """Derive the keys; nothing is imported before the first secret."""
        keys = [_derived(each) for each in (secret, *previous) if each]
        self._current = _id_of(keys[0])
        self._keys: Mapping[str, bytes] = {_id_of(key): key for key in keys}

    def seal(self, plaintext: str, place: str) -> str:
        """Encrypt a secret for the place that it will lie at."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self._current].encrypt(nonce, plaintext.encode(), place.encode())
        return f"{PREFIX}{self._current}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, value: str, place: str) -> str:
        """Decrypt what `seal` returned for this place; raise Unsealable."""
        key_id, _, text = value.removeprefix(PREFIX).partition(":")
        if not is_sealed(value) or key_id not in self._keys:
            raise Unsealable("was encrypted with a key that is not here; see LITELLM_SALT_KEY")
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - only with a secret

        try:
            raw = base64.b64decode(text, validate=True)
            nonce, sealed = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
            return self._ciphers[key_id].decrypt(nonce, sealed, place.encode()).decode()
        except (ValueError, InvalidTag) as error:
            raise Unsealable("cannot be decrypted: it was changed or moved") from error

    def renewed(self, secret: str) -> Vault:
        """Return one that seals with the key of another secret and opens with all of these too."""
        vault = Vault(secret)
        vault._keys = {**self._keys, **vault._keys}
        return vault

    def is_current(self, value: str) -> bool:
        """Say whether a sealed value needs no other key than the current one."""
        return value.startswith(f"{PREFIX}{self._current}:")

    @cached_property
    def _ciphers(self) -> Mapping[str, AESGCM]:
        # A process that meets no secret in the database never pays for the import.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

        return {key_id: AESGCM(key) for key_id, key in self._keys.items()}


def is_sealed(value: object) -> bool:
    """Say whether a value looks like one that was sealed."""
    return isinstance(value, str) and value.startswith(PREFIX)


def _derived(secret: str) -> bytes:
    # HKDF-SHA256 with one block (RFC 5869); what is given are random keys, not passwords.
    extracted = hmac.digest(_LABEL, secret.encode(), hashlib.sha256)
    return hmac.digest(extracted, _LABEL + b"\x01", hashlib.sha256)


def _id_of(key: bytes) -> str:
    return hmac.digest(key, _ID_LABEL, hashlib.sha256).hex()[:_ID_LENGTH]
