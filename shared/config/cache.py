"""`litellm_settings.cache` and `cache_params`: LiteLLM's names where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.config.model import CALL_TYPES, CacheSettings
from shared.config.sections import names_of, one_of

if TYPE_CHECKING:
    from shared.config.sections import Section
    from shared.domain import Json

_MODES: Final = ("default_on", "default_off")
_IGNORED: Final = ("type", "host", "port", "password", "redis_startup_nodes", "ssl", "url", "db")
"""Where LiteLLM's cache lives; ours is in `CACHE_REDIS_REST_URL`, else beside the state."""

_NO_MESSAGES: Final = -1


def read_cache(litellm: Section) -> CacheSettings:
    """Read both from `litellm_settings`; without `cache: true` nothing is cached."""
    defaults = CacheSettings()
    params = litellm.section("cache_params")
    params.ignore(_IGNORED)
    ttl = params.seconds("ttl")
    wait = params.seconds("wait_seconds")
    settings = CacheSettings(
        is_on=litellm.flag("cache"),
        is_on_by_default=params.read("mode", _MODES[0], _mode) == _MODES[0],
        call_types=params.read("supported_call_types", CALL_TYPES, _call_types),
        ttl_seconds=defaults.ttl_seconds if ttl is None else ttl,
        namespace=params.text("namespace"),
        is_shared=params.flag("share_between_tenants"),
        max_messages=_max_messages(params),
        max_bytes=params.whole("max_size_per_item", defaults.max_bytes // 1024, least=1, most=768)
        * 1024,
        wait_seconds=defaults.wait_seconds if wait is None else wait,
    )
    params.warn_about_unread()
    return settings


def _mode(value: Json) -> str:
    return one_of(value, _MODES)


def _call_types(value: Json) -> frozenset[str]:
    # LiteLLM lists each kind twice: `completion` and, asked asynchronously, `acompletion`.
    return frozenset(name[1:] if _is_async(name) else name for name in names_of(value))


def _is_async(name: str) -> bool:
    return name.startswith("a") and name[1:] in {*CALL_TYPES, "responses"}


def _max_messages(params: Section) -> int | None:
    # Here null says something else than silence: no bound.
    if "max_messages" in params.values and params.values["max_messages"] is None:
        params.ignore(["max_messages"])
        return None
    found = params.whole("max_messages", _NO_MESSAGES, least=0)
    return CacheSettings().max_messages if found == _NO_MESSAGES else found
