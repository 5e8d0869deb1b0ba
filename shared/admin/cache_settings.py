"""The response cache's settings (`litellm_settings.cache_params`) as LiteLLM's form has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.admin.settings import lay
from shared.config.model import CacheSettings
from shared.errors import BadRequest
from shared.wire.admin_config import CacheField, CacheSettingsReply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import JsonValue

    from shared.admin.caller import Caller
    from shared.admin.desk import Desk
    from shared.wire.admin_config import UpdateCacheSettings

_PLACE: Final = ("type", "redis_type", "host", "port", "password", "url", "ssl", "db", "username")
"""Where LiteLLM's cache is; a form sends these along. Ours is where the environment says."""

_FIELDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "ttl": ("Float", "TTL", "How many seconds an answer is kept."),
    "namespace": ("String", "Namespace", "What the names of entries begin with."),
    "mode": ("String", "Mode", "Whether requests are cached unless they say no, or say yes."),
    "supported_call_types": ("List", "Call types", "Which kinds of call are cached."),
    "max_messages": ("Integer", "Max messages", "Longer conversations are left alone."),
    "max_size_per_item": ("Integer", "Max size", "How many KB one answer may have."),
    "share_between_tenants": ("Boolean", "Shared", "Whether teams have each other's answers."),
    "wait_seconds": ("Float", "Wait", "How long equal calls wait for the one that asks."),
}
_MODES: Final = ["default_on", "default_off"]


def cache_settings(desk: Desk) -> CacheSettingsReply:
    """Return the settings in force, and a field for each that can be set."""
    values, defaults = _values(desk.live.current.cache), _values(CacheSettings())
    fields = [
        CacheField(
            field_name=name,
            field_type=kind,
            field_value=values[name],
            field_description=description,
            field_default=defaults[name],
            ui_field_name=title,
            options=_MODES if name == "mode" else None,
        )
        for name, (kind, title, description) in _FIELDS.items()
    ]
    is_on = desk.live.current.cache.is_on
    return CacheSettingsReply(
        fields=fields, current_values={"type": "redis", "cache": is_on, **values}
    )


async def update_cache_settings(
    desk: Desk, caller: Caller, request: UpdateCacheSettings
) -> dict[str, JsonValue]:
    """Switch the cache on with these settings; return all of them."""
    sent = request.cache_settings
    placed = [name for name in _PLACE[2:] if sent.get(name)]
    if placed:
        raise BadRequest(
            f"{', '.join(placed)} cannot be set over the API: where the cache is, say "
            "CACHE_REDIS_REST_URL and CACHE_REDIS_REST_TOKEN.",
            param="cache_settings",
        )
    unknown = sorted(sent.keys() - _FIELDS.keys() - set(_PLACE))
    if unknown:
        raise BadRequest(
            f"{', '.join(unknown)[:255]}: no such setting of the cache; there are "
            f"{', '.join(_FIELDS)}.",
            param="cache_settings",
        )
    before = desk.live.current.cache
    kept = _values(before) if before.is_on else {}
    params = {**kept, **{name: value for name, value in sent.items() if name in _FIELDS}}
    await lay(desk, caller, {"litellm_settings": {"cache": True, "cache_params": params}})
    return _values(desk.live.current.cache)


def _values(settings: CacheSettings) -> dict[str, JsonValue]:
    return {
        "ttl": settings.ttl_seconds,
        "namespace": settings.namespace,
        "mode": _MODES[0] if settings.is_on_by_default else _MODES[1],
        "supported_call_types": [*sorted(settings.call_types)],
        "max_messages": settings.max_messages,
        "max_size_per_item": settings.max_bytes // 1024,
        "share_between_tenants": settings.is_shared,
        "wait_seconds": settings.wait_seconds,
    }
