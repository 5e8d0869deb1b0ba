"""The two stores and the HTTP client of one process, made without any I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.credentials.keyring import Keyring
from shared.storage.postgres import Postgres
from shared.storage.redis import Redis
from shared.transport.client import Client

if TYPE_CHECKING:
    from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Stores:
    """What the use cases reach the outside by."""

    redis: Redis
    postgres: Postgres
    http: Client
    keyring: Keyring
    cache: Redis | None = None
    """The response cache, where it has a database of its own."""

    @classmethod
    def open(cls, settings: Settings) -> Stores:
        """Make the clients; each connects on first use."""
        http = Client()
        redis = Redis(
            http,
            settings.redis_url,
            settings.redis_token,
            try_seconds=settings.redis_try_seconds,
        )
        return cls(
            redis=redis,
            postgres=Postgres(settings),
            http=http,
            keyring=Keyring(http),
            cache=_cache(settings, http),
        )

    async def close(self) -> None:
        """Close every connection."""
        await self.postgres.close()
        await self.http.close()


def _cache(settings: Settings, http: Client) -> Redis | None:
    url, token = settings.cache_redis_url, settings.cache_redis_token
    if not url or url == settings.redis_url:
        return None
    return Redis(http, url, token, try_seconds=settings.redis_try_seconds)
