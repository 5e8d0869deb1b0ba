"""Keep what opens an account until shortly before it expires; of many at once one fetches it."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from shared.domain import Millis, Timeouts
from shared.errors import ProviderFailed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from shared.domain import HttpRequest
    from shared.transport.client import Client

T = TypeVar("T")

ANSWER_CAP: Final = 64 * 1024
PATIENCE: Final = Timeouts(connect=3, first_byte=10, between_bytes=5, total=15)
RENEW_BEFORE_MS: Final = 5 * 60_000
MOST_HELD: Final = 256
_ERROR: Final = 400


@dataclass(frozen=True, slots=True)
class Grant(Generic[T]):
    """What was fetched, and until when it opens."""

    secret: T
    expires_at: Millis


class Fetched(Generic[T]):
    """Grants by the account they are for."""

    def __init__(self, http: Client, read: Callable[[bytes, Millis], Grant[T] | None]) -> None:
        """Hold nothing yet; `read` finds the grant in an answer."""
        self._http = http
        self._read = read
        self._held: dict[str, Grant[T]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    async def get(
        self, account: bytes, asking: Callable[[], Awaitable[HttpRequest]], now: Millis
    ) -> T:
        """Return what opens an account, asked for by what `asking` makes where none is held."""
        name = hashlib.sha256(account).hexdigest()
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:
            held = self._held.get(name)
            if held is None or held.expires_at - RENEW_BEFORE_MS <= now:
                held = await self._fetch(await asking(), now)
                self._forget_some()
                self._held[name] = held
            return held.secret

    async def _fetch(self, asking: HttpRequest, now: Millis) -> Grant[T]:
        response = await self._http.send(asking, PATIENCE)
        body = await response.read(ANSWER_CAP)
        grant = self._read(body, now) if response.status < _ERROR else None
        if grant is None:
            raise refused(f"The deployment's account was not opened ({response.status}).")
        return grant

    def _forget_some(self) -> None:
        if len(self._held) >= MOST_HELD:
            self._held.clear()
            self._turns = {name: turn for name, turn in self._turns.items() if turn.locked()}


def refused(sentence: str) -> ProviderFailed:
    """Say that an account does not open; another deployment's may."""
    return ProviderFailed(sentence, status=401, type="authentication_error", retryable=True)


def grant_until(expires: str, secret: T) -> Grant[T] | None:
    """Read a moment as AWS and Google write it; None when it is none."""
    try:
        moment = datetime.fromisoformat(expires)
    except ValueError:
        return None
    return Grant(secret, Millis(int(moment.timestamp() * 1000)))
