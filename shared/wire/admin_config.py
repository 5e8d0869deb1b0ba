"""Parts of the configuration on the admin API: what is asked, and what is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue

from shared.wire.admin_fields import AdminModel, AdminRequest, AnyValue, Document, Identifier

Section = Literal["general_settings", "litellm_settings", "router_settings"]
FallbackType = Literal["general", "context_window", "content_policy"]


class UpdateConfig(AdminRequest):
    """POST /config/update: what is sent is laid over what is there; a null takes a setting away."""

    general_settings: Document | None = None
    litellm_settings: Document | None = None
    router_settings: Document | None = None
    environment_variables: Document | None = None


class UpdateField(AdminRequest):
    """POST /config/field/update."""

    field_name: Identifier
    field_value: AnyValue = None
    config_type: Section = "general_settings"


class DeleteField(AdminRequest):
    """POST /config/field/delete."""

    field_name: Identifier
    config_type: Section = "general_settings"


class ConfigField(AdminModel):
    """One setting: what it is worth, and whether the database says so."""

    field_name: str
    field_value: JsonValue = None
    stored_in_db: bool


class SetFallback(AdminRequest):
    """POST /fallback."""

    model: Identifier
    fallback_models: Annotated[list[Identifier], Field(min_length=1, max_length=100)]
    fallback_type: FallbackType = "general"


class Fallback(AdminModel):
    """The fallbacks of one model."""

    model: str
    fallback_models: list[str]
    fallback_type: FallbackType = "general"
    message: str | None = None


class CallbacksReply(AdminModel):
    """GET /get/config/callbacks: no callback runs here; the settings of the router are in force."""

    status: str = "success"
    callbacks: list[JsonValue] = Field(default_factory=list["JsonValue"])
    alerts: list[JsonValue] = Field(default_factory=list["JsonValue"])
    router_settings: dict[str, JsonValue]


class DeleteCallback(AdminRequest):
    """POST /config/callback/delete."""

    callback_name: Identifier


class DeletedCallback(AdminModel):
    """Which callback is gone, and which are left."""

    message: str
    removed_callback: str
    remaining_callbacks: list[str]
    deleted_at: datetime

    @classmethod
    def of(cls, name: str, left: list[str], now: int) -> Self:
        """Tell it as LiteLLM does; `now` is in ms."""
        return cls(
            message=f"Successfully deleted callback: {name}",
            removed_callback=name,
            remaining_callbacks=left,
            deleted_at=datetime.fromtimestamp(now / 1000, UTC),
        )


class CacheKeys(AdminRequest):
    """POST /cache/delete."""

    keys: Annotated[list[Identifier], Field(min_length=1, max_length=1_000)]


class CachePing(AdminModel):
    """GET /cache/ping."""

    status: str
    cache_type: str = "redis"
    ping_response: bool
    set_cache_response: str


class CacheCleared(AdminModel):
    """POST /cache/delete, POST /cache/flushall: how many entries are gone."""

    status: str = "success"
    deleted: int


class CacheInfo(AdminModel):
    """GET /cache/redis/info, in LiteLLM's words where clients cannot be listed."""

    num_clients: int = -1
    clients: list[str] = [  # noqa: RUF012 - pydantic copies it
        "CLIENT LIST command not available on this Redis instance"
    ]
    info: dict[str, int | str]


class CacheField(AdminModel):
    """One setting of the cache, for a form."""

    field_name: str
    field_type: str
    field_value: JsonValue = None
    field_description: str
    field_default: JsonValue = None
    ui_field_name: str
    options: list[str] | None = None
    redis_type: str | None = None


class CacheSettingsReply(AdminModel):
    """GET /cache/settings."""

    fields: list[CacheField]
    current_values: dict[str, JsonValue]
    redis_type_descriptions: dict[str, str] = Field(default_factory=dict[str, str])


class UpdateCacheSettings(AdminRequest):
    """POST /cache/settings: what is sent is laid over what is there."""

    cache_settings: Document


class UpdatedCacheSettings(AdminModel):
    """The settings in force after POST /cache/settings."""

    message: str = "Cache settings updated successfully"
    status: str = "success"
    settings: dict[str, JsonValue]
