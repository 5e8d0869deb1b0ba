"""The bodies of /key/*: what they ask for, and a key as they show it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from shared.wire.admin_budgets import BudgetInfo
from shared.wire.admin_fields import (
    MAX_AT_ONCE,
    MAX_ENTRIES,
    MAX_TEXT,
    AdminModel,
    AdminRequest,
    Aliases,
    Chains,
    CustomKey,
    Document,
    Dollars,
    Duration,
    Identifier,
    KeyReference,
    KeyType,
    LimitType,
    ModelBudgets,
    ModelRates,
    Moment,
    Names,
    Parallel,
    Rate,
    Routes,
    Unsupported,
)
from shared.wire.admin_policies import BudgetLimits, PolicyColumns, PolicyFields, PolicyInfo

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
    budget_id: Identifier | None = None
    duration: Duration | None = None
    aliases: Aliases | None = None
    config: Document | None = None
    permissions: Document | None = None
    allowed_routes: Routes | None = None
    allowed_cache_controls: Names | None = None
    key_type: KeyType | None = None
    router_settings: Document | None = None
    auto_rotate: bool | None = None
    rotation_interval: Duration | None = None
    tag_rpm_limit: ModelRates | None = None
    enforced_params: Names | None = None
    end_user_budget_id: Annotated[str, Field(max_length=MAX_TEXT)] | None = None
    budget_fallbacks: Chains | None = None
    project_id: Unsupported = None
    agent_id: Unsupported = None
    object_permission: Unsupported = None
    denied_passthrough_routes: Unsupported = None


class GenerateKey(KeyFields):
    """POST /key/generate."""

    key: CustomKey | None = None


class UpdateKey(KeyFields):
    """POST /key/update: only the fields that are there change; null empties one."""

    key: KeyReference
    temp_budget_increase: Dollars | None = None
    temp_budget_expiry: Moment | None = None


class RegenerateKey(KeyFields):
    """POST /key/regenerate: another secret for a key; `key` may also stand in the path.

    The old secret is good for as long as `grace_period` says, and for no moment without one.
    `new_master_key` seals what is stored for another master key, and is about no virtual key.
    """

    key: KeyReference | None = None
    new_key: CustomKey | None = None
    grace_period: Duration | None = None
    new_master_key: Annotated[CustomKey, Field(min_length=20)] | None = None


class ResetSpend(AdminRequest):
    """POST /key/{key}/reset_spend."""

    reset_to: Dollars


class UpdateKeys(AdminRequest):
    """POST /key/bulk_update: each key with the fields that change."""

    keys: Annotated[list[UpdateKey], Field(min_length=1, max_length=MAX_AT_ONCE)]


class TeamKeyFields(AdminRequest):
    """What keys of a team are given at once: nothing that says whose they are or what they reach.

    LiteLLM's list; a field that is not in it is refused, as there.
    """

    model_config = ConfigDict(extra="forbid")

    max_budget: Dollars | None = None
    budget_id: Identifier | None = None
    budget_duration: Duration | None = None
    budget_limits: BudgetLimits | None = None
    model_max_budget: ModelBudgets | None = None
    tpm_limit: Rate | None = None
    rpm_limit: Rate | None = None
    model_tpm_limit: ModelRates | None = None
    model_rpm_limit: ModelRates | None = None
    max_parallel_requests: Parallel | None = None
    rpm_limit_type: LimitType | None = None
    tpm_limit_type: LimitType | None = None
    temp_budget_increase: Dollars | None = None
    temp_budget_expiry: Moment | None = None
    duration: Duration | None = None
    tags: Names | None = None
    metadata: Document | None = None


class UpdateTeamKeys(AdminRequest):
    """POST /team/key/bulk_update: the same for keys of one team, or `keys`, each for itself."""

    team_id: Identifier
    key_ids: Annotated[list[KeyReference], Field(max_length=MAX_AT_ONCE)] | None = None
    all_keys_in_team: bool = False
    update_fields: TeamKeyFields | None = None
    keys: Annotated[list[UpdateKey], Field(min_length=1, max_length=MAX_AT_ONCE)] | None = None

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if bool(self.key_ids) + self.all_keys_in_team + (self.keys is not None) != 1:
            raise ValueError("give one of key_ids, all_keys_in_team and keys")
        if self.keys is None and not (self.update_fields and self.update_fields.model_fields_set):
            raise ValueError("update_fields must hold a field")
        return self


class NameKeys(AdminRequest):
    """POST /v2/key/info."""

    keys: Annotated[list[KeyReference], Field(max_length=MAX_ENTRIES)] | None = None


class NameKey(AdminRequest):
    """POST /key/block and /key/unblock."""

    key: KeyReference


class DeleteKeys(AdminRequest):
    """POST /key/delete: by key, by hash or by alias."""

    keys: Annotated[list[KeyReference], Field(max_length=MAX_ENTRIES)] | None = None
    key_aliases: Names | None = None


KeySort = Literal[
    "created_at",
    "updated_at",
    "expires",
    "spend",
    "max_budget",
    "key_alias",
    "user_id",
    "team_id",
]
"""The columns that keys may be listed by."""


class ListAliases(BaseModel):
    """GET /key/aliases."""

    model_config = ConfigDict(frozen=True)

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Annotated[int, Field(ge=1, le=100)] = 50
    search: Identifier | None = None
    team_id: Identifier | None = None


class ListKeys(BaseModel):
    """GET /key/list; `key_hash` may also be a plaintext key."""

    model_config = ConfigDict(frozen=True)

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Annotated[int, Field(ge=1, le=100)] = 10
    user_id: Identifier | None = None
    team_id: Identifier | None = None
    organization_id: Identifier | None = None
    key_alias: Identifier | None = None
    key_hash: KeyReference | None = None
    search: Identifier | None = None
    return_full_object: bool = False
    include_team_keys: bool = False
    include_created_by_keys: bool = False
    expand: Annotated[list[Literal["user"]], Field(max_length=5)] | None = None
    status: Literal["active", "deleted"] | None = None
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
    budget_id: str | None = None
    budget_fallbacks: dict[str, list[str]] | None = None
    router_settings: dict[str, JsonValue] | None = None
    auto_rotate: bool = False
    rotation_interval: str | None = None


class KeyInfo(KeyColumns, PolicyInfo):
    """A key as the API shows it; `token` is its hash."""

    token: str
    key_name: str | None = None
    rotation_count: int = 0
    last_rotation_at: datetime | None = None
    created_by: str | None = None
    updated_by: str | None = None
    last_active: datetime | None = None


class GeneratedKey(KeyInfo):
    """The answer to /key/generate: the only time `key`, the plaintext, is told."""

    key: str
    token_id: str
    litellm_budget_table: BudgetInfo | None = None
    tags: list[str] | None = None
    model_rpm_limit: dict[str, int] | None = None
    model_tpm_limit: dict[str, int] | None = None
    guardrails: list[str] | None = None
    enforced_params: list[str] | None = None
    end_user_budget_id: str | None = None


class KeyInfoReply(AdminModel):
    """The answer to /key/info; `key` is the hash, `info.status` says when it was deleted."""

    key: str
    info: KeyInfo
    status: str | None = None
    budget: BudgetInfo | None = None


class ShownKeyInfo(AdminModel):
    """The answer to /key/info as it is sent: LiteLLM's `info` has no `token` in it."""

    key: str
    info: dict[str, JsonValue]


class KeyHealth(AdminModel):
    """POST /key/health; no key has callbacks that logs go to, so none can be unwell."""

    key: Literal["healthy", "unhealthy"] = "healthy"
    logging_callbacks: None = None


class KeyInfosReply(AdminModel):
    """The answer to /v2/key/info: those of the keys that there are."""

    key: list[str]
    info: list[KeyInfo]


class OwnedKey(KeyInfo):
    """A key with its owner, as /key/list shows it when asked to expand users."""

    user: KeyOwner | None = None


class KeyOwner(AdminModel):
    """Who owns a key."""

    user_id: str
    user_email: str | None = None
    user_alias: str | None = None


class AliasPage(AdminModel):
    """The answer to /key/aliases."""

    aliases: list[str]
    total_count: int
    current_page: int
    total_pages: int
    size: int


class UpdatedKey(AdminModel):
    """One success of a bulk update."""

    key: str
    key_info: KeyInfo


class NotUpdatedKey(AdminModel):
    """One failure of a bulk update."""

    key: str
    failed_reason: str


class UpdatedKeys(AdminModel):
    """The answer to a bulk update."""

    total_requested: int
    successful_updates: list[UpdatedKey]
    failed_updates: list[NotUpdatedKey]


class KeyPage(AdminModel):
    """The answer to /key/list: hashes, or whole keys when asked for."""

    keys: list[str] | list[OwnedKey]
    total_count: int
    current_page: int
    total_pages: int


class DeletedKeys(AdminModel):
    """The answer to /key/delete: what was asked for, as it was named."""

    deleted_keys: list[str]
