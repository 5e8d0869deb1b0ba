"""Answer the same request once: who repeats an Idempotency-Key gets the first answer again.

What is kept holds a secret, so it is encrypted under a key that only the Idempotency-Key gives:
neither Redis nor whoever reads it learns an answer or the Idempotency-Key. The derivation is slow,
since callers choose short ones. A process may die between making a key and keeping the answer: the
key is derived from what Redis has since the beginning, so the next attempt finds it made.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from shared.auth.keys import KEY_PREFIX
from shared.errors import AlreadyExists, KeyReused, RedisDown, Refused
from shared.observability import log
from shared.storage.idempotency import PENDING, Claim, claim, give_back, keep, leave
from shared.storage.redis import RedisRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk

_NONCE_BYTES: Final = 12
_DIGEST_BYTES: Final = 32
_HALF: Final = 32
_KEY_BYTES: Final = 16


@dataclass(frozen=True, slots=True)
class Answer:
    """What a caller is told, and whether they had been told before."""

    body: bytes
    is_repeated: bool = False


class Maker(Protocol):
    """How an answer comes about whose secret is given."""

    async def make(self, secret: str) -> bytes:
        """Do what is asked for with this secret, and answer."""
        ...

    async def recall(self, secret: str) -> bytes | None:
        """Answer again, when what this secret is for was done already."""
        ...


async def once(desk: Desk, caller: Caller, asked: tuple[str, bytes], maker: Maker) -> Answer:
    """Make an answer, or repeat the one that this Idempotency-Key had; `asked` is it and a request.

    The secret in it is made of what Redis keeps under the name, so that whoever goes on after a
    crash makes no second one. Raise KeyReused when the name came with another request,
    AlreadyExists while the first is worked on, RedisDown when that cannot be known: then nothing
    was done.
    """
    redis = desk.stores.redis
    idempotency_key, request = asked
    name, opening = _derived(caller, idempotency_key)
    digest = hashlib.sha256(request).digest()
    mine = await claim(redis, name, desk.now())
    if isinstance(mine, str):
        return Answer(_opened(opening, digest, mine), is_repeated=True)
    secret = _secret_of(desk, mine, digest)
    try:
        body = await maker.recall(secret) if mine.is_taken_over else None
        if body is None:
            body = await maker.make(secret)
    except Refused:
        await _quietly(give_back(redis, mine), mine)
        raise
    except BaseException:
        # It may have been done all the same.
        await _quietly(leave(redis, mine), mine)
        raise
    await _quietly(keep(redis, mine, _sealed(opening, digest + body)), mine)
    return Answer(body)


def _secret_of(desk: Desk, mine: Claim, digest: bytes) -> str:
    """Make a virtual key that only who has the master key can make again."""
    material = f"{mine.name} {mine.nonce}".encode() + digest
    made = hmac.digest(desk.master_key.encode(), material, hashlib.sha256)[:_KEY_BYTES]
    return KEY_PREFIX + base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _derived(caller: Caller, idempotency_key: str) -> tuple[str, bytes]:
    """Return the name of an answer of this caller and route, and the key that opens it."""
    salt = hashlib.sha256(f"{caller.key_name} {caller.route}".encode()).digest()
    both = hashlib.scrypt(idempotency_key.encode(), salt=salt, n=2**13, r=8, p=1, dklen=2 * _HALF)
    return both[:_HALF].hex(), both[_HALF:]


def _sealed(secret: bytes, content: bytes) -> str:
    # Costs 20 ms of a cold start, and few callers send the header.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    nonce = os.urandom(_NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(secret).encrypt(nonce, content, None)).decode()


def _opened(secret: bytes, digest: bytes, kept: str) -> bytes:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415

    if kept.startswith(PENDING):
        raise AlreadyExists(
            "A request with this Idempotency-Key is being worked on; try again in a moment.",
            param="Idempotency-Key",
            headers={"retry-after": "1"},
        )
    raw = base64.b64decode(kept)
    content = AESGCM(secret).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], None)
    if not hmac.compare_digest(content[:_DIGEST_BYTES], digest):
        raise KeyReused(
            "This Idempotency-Key was used with another request; use a new one.",
            param="Idempotency-Key",
        )
    return content[_DIGEST_BYTES:]


async def _quietly(doing: Awaitable[None], mine: Claim) -> None:
    """Do what only helps a repetition: what was asked for is done, or not, already."""
    try:
        await doing
    except (RedisDown, RedisRefused) as error:
        log.warning("answer_not_kept", reason=str(error), name=mine.name)
