"""The bodies of /key/*: what they ask for, and a key as they show it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.wire.admin_fields import (
    MAX_ENTRIES,
    AdminRequest,
    Aliases,
    CustomKey,
    Document,
    Duration,
    Identifier,
    KeyReference,
    KeyType,
    Names,
)
from shared.wire.admin_policies import PolicyColumns, PolicyFields, PolicyInfo

if TYPE_CHECKING:
    from collections.abc import Mapping

ROUTES_OF_KEY_TYPE: Mapping[KeyType, list[str]] = {
    "default": [],
    "llm_api": ["llm_api_routes"],
    "management": ["management_routes"],
    "read_only": ["info_routes"],
}


class KeyFields(PolicyFields):
    """What a key can be given when it is made or changed."""

    key_alias: Identifier | None = None
    user_id: Identifier | None = None
    team_id: Identifier | None = None
    duration: Duration | None = None
    aliases: Aliases | None = None
    config: Document | None = None
    permissions: Document | None = None
    allowed_routes: Names | None = None
    allowed_cache_controls: Names | None = None
    tags: Names | None = None
    key_type: KeyType | None = None


class GenerateKey(KeyFields):
    """POST /key/generate."""

    key: CustomKey | None = None


class UpdateKey(KeyFields):
    """POST /key/update: only the fields that are there change; null empties one."""

    key: KeyReference


class NameKey(AdminRequest):
    """POST /key/block and /key/unblock."""

    key: KeyReference


class DeleteKeys(AdminRequest):
    """POST /key/delete: by key, by hash or by alias."""

    keys: Annotated[list[KeyReference], Field(max_length=MAX_ENTRIES)] | None = None
    key_aliases: Names | None = None


KeySort = Literal["created_at", "updated_at", "expires", "spend", "max_budget", "key_alias"]
"""The columns that keys may be listed by."""


class ListKeys(BaseModel):
    """GET /key/list; `key_hash` may also be a plaintext key."""

    model_config = ConfigDict(frozen=True)

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Annotated[int, Field(ge=1, le=100)] = 10
    user_id: Identifier | None = None
    team_id: Identifier | None = None
    key_alias: Identifier | None = None
    key_hash: KeyReference | None = None
    return_full_object: bool = False
    sort_by: KeySort = "created_at"
    sort_order: Literal["asc", "desc"] = "desc"


class KeyColumns(PolicyColumns):
    """The columns of a key that an admin sets."""

    key_alias: str | None = None
    user_id: str | None = None
    team_id: str | None = None
    expires: datetime | None = None
    aliases: dict[str, str] = Field(default_factory=dict[str, str])
    config: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    permissions: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    allowed_routes: list[str] = Field(default_factory=list[str])
    allowed_cache_controls: list[str] = Field(default_factory=list[str])


class KeyInfo(KeyColumns, PolicyInfo):
    """A key as the API shows it; `token` is its hash."""

    token: str
    key_name: str | None = None
    created_by: str | None = None
    updated_by: str | None = None
    last_active: datetime | None = None


class GeneratedKey(KeyInfo):
    """The answer to /key/generate: the only time `key`, the plaintext, is told."""

    key: str
    token_id: str


class KeyInfoReply(BaseModel):
    """The answer to /key/info; `key` is the hash, `info.status` says when it was deleted."""

    key: str
    info: KeyInfo
    status: str | None = None


class KeyPage(BaseModel):
    """The answer to /key/list: hashes, or whole keys when asked for."""

    keys: list[str] | list[KeyInfo]
    total_count: int
    current_page: int
    total_pages: int


class DeletedKeys(BaseModel):
    """The answer to /key/delete: what was asked for, as it was named."""

    deleted_keys: list[str]
