"""What the environment says, read once at cold start; nothing else reads os.environ."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

WEAK_MASTER_KEYS = frozenset({"sk-1234"})
MIN_MASTER_KEY_LENGTH = 20


class SettingsError(Exception):
    """The environment does not make a gateway; the message says which variable to set to what."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One process's settings. Secrets are kept out of its repr."""

    stage: str = "local"
    is_lambda: bool = False
    master_key: str = field(repr=False)
    database_url: str = field(default="", repr=False)
    redis_url: str = ""
    redis_token: str = field(default="", repr=False)
    cache_redis_url: str = ""
    cache_redis_token: str = field(default="", repr=False)
    config_path: str = ""
    salt_key: str = field(default="", repr=False)
    previous_salt_keys: tuple[str, ...] = field(default=(), repr=False)
    rotated_keys: str = ""
    rotation_grace: str = "24h"
    max_postgres_connections: int = 1
    postgres_connect_seconds: int = 2
    redis_try_seconds: float = 0.25
    slack_webhook_url: str = field(default="", repr=False)
    webhook_url: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read and check the environment.

        Raise SettingsError when something is missing or, on AWS, when the master key is weak.
        """
        master_key = environment.get("TOLLGATE_MASTER_KEY") or environment.get("LITELLM_MASTER_KEY")
        if not master_key:
            raise SettingsError("TOLLGATE_MASTER_KEY is not set; set it to a secret of yours")
        is_web = environment.get("TOLLGATE_HOST") == "web-function"
        is_lambda = is_web or "AWS_LAMBDA_FUNCTION_NAME" in environment
        # A function waits alone; in a server with hundreds of calls in flight a slow reply may be
        # our own queue, which is no reason to call a store down.
        is_alone = is_lambda and not is_web
        redis_try_ms = environment.get("TOLLGATE_REDIS_TRY_MS", "250" if is_alone else "2000")
        connect_seconds = environment.get(
            "TOLLGATE_POSTGRES_CONNECT_SECONDS", "2" if is_alone else "5"
        )
        settings = cls(
            stage=environment.get("STAGE", "local"),
            is_lambda=is_lambda,
            master_key=master_key,
            database_url=environment.get("DATABASE_URL", ""),
            redis_url=environment.get("UPSTASH_REDIS_REST_URL", "").rstrip("/"),
            redis_token=environment.get("UPSTASH_REDIS_REST_TOKEN", ""),
            cache_redis_url=environment.get("CACHE_REDIS_REST_URL", "").rstrip("/"),
            cache_redis_token=environment.get("CACHE_REDIS_REST_TOKEN", ""),
            salt_key=environment.get("LITELLM_SALT_KEY", ""),
            previous_salt_keys=tuple(
                filter(None, environment.get("TOLLGATE_PREVIOUS_SALT_KEYS", "").split(","))
            ),
            config_path=environment.get("TOLLGATE_CONFIG", ""),
            rotated_keys=environment.get("TOLLGATE_ROTATED_KEYS", ""),
            rotation_grace=environment.get("LITELLM_KEY_ROTATION_GRACE_PERIOD") or "24h",
            max_postgres_connections=int(environment.get("TOLLGATE_POSTGRES_CONNECTIONS", "1")),
            postgres_connect_seconds=int(connect_seconds),
            redis_try_seconds=int(redis_try_ms) / 1000,
            slack_webhook_url=environment.get("SLACK_WEBHOOK_URL", ""),
            webhook_url=environment.get("WEBHOOK_URL", ""),
        )
        if settings.is_lambda and _is_weak(master_key):
            raise SettingsError(
                f"TOLLGATE_MASTER_KEY is weak; use {MIN_MASTER_KEY_LENGTH} or more random "
                "characters, for example from `openssl rand -hex 24` with `sk-` before it",
            )
        return settings


def _is_weak(master_key: str) -> bool:
    return master_key in WEAK_MASTER_KEYS or len(master_key) < MIN_MASTER_KEY_LENGTH
