"""Models and credentials on the admin API: what is asked, and what is shown without secrets."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue

from shared.wire.admin_fields import AdminModel, AdminRequest, Document, Identifier

Documents = dict[str, JsonValue]


class NewModel(AdminRequest):
    """POST /model/new."""

    model_name: Identifier
    litellm_params: Document
    model_info: Document | None = None


class UpdateModel(AdminRequest):
    """POST /model/update, PATCH /model/{id}/update: what is sent is laid over what is there.

    A null takes a parameter away. The id stands in `model_info.id`, as in LiteLLM, in the path, or
    in `id`, where LiteLLM's own client puts it.
    """

    id: Identifier | None = None
    model_id: Identifier | None = None
    model_name: Identifier | None = None
    litellm_params: Document | None = None
    model_info: Document | None = None


class NameModel(AdminRequest):
    """POST /model/delete."""

    id: Identifier


class BlockModel(AdminRequest):
    """POST /model/block, /model/unblock: by `model_id`, as LiteLLM has it, or by `id`."""

    model_id: Annotated[Identifier, Field(validation_alias=AliasChoices("model_id", "id"))]


class ListModels(BaseModel):
    """GET /v2/model/info."""

    model_config = ConfigDict(frozen=True)

    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    size: Annotated[int, Field(ge=1, le=500)] = 50
    model: Identifier | None = None
    model_id: Identifier | None = Field(default=None, alias="modelId")
    search: Identifier | None = None


class ModelRow(AdminModel):
    """A row of the model table; secrets in it are sealed."""

    model_config = ConfigDict(frozen=True)

    model_id: str
    model_name: str
    litellm_params: Documents
    model_info: Documents = Field(default_factory=dict)
    blocked: bool = False
    created_at: datetime | None = None
    created_by: str | None = None
    updated_at: datetime | None = None
    updated_by: str | None = None


class ModelEntry(AdminModel):
    """One deployment as /model/info shows it."""

    model_config = ConfigDict(frozen=True)

    model_name: str
    litellm_params: Documents
    model_info: Documents


class ModelEntries(AdminModel):
    """GET /model/info."""

    data: list[ModelEntry]


class ModelPage(ModelEntries):
    """GET /v2/model/info."""

    total_count: int
    current_page: int
    size: int
    total_pages: int


class ModelGroup(AdminModel):
    """What the deployments of one name have together."""

    model_config = ConfigDict(frozen=True)

    model_group: str
    providers: list[str]
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    input_cost_per_token: JsonValue = None
    output_cost_per_token: JsonValue = None
    mode: str | None = None
    tpm: int | None = None
    rpm: int | None = None


class ModelGroups(AdminModel):
    """GET /model_group/info."""

    data: list[ModelGroup]


class DeletedModel(AdminModel):
    """POST /model/delete."""

    message: str


class NewCredential(AdminRequest):
    """POST /credentials."""

    credential_name: Identifier
    credential_values: Document
    credential_info: Document | None = None


class UpdateCredential(AdminRequest):
    """PATCH /credentials/{name}: what is sent is laid over what is there."""

    credential_values: Document | None = None
    credential_info: Document | None = None


class CredentialRow(AdminModel):
    """A row of the credentials' table; its values are sealed."""

    model_config = ConfigDict(frozen=True)

    credential_name: str
    credential_values: Documents
    credential_info: Documents = Field(default_factory=dict)


class Credentials(AdminModel):
    """GET /credentials: names and what is told about them, the values masked."""

    success: bool = True
    credentials: list[CredentialRow]


class Done(AdminModel):
    """What was done, in words."""

    success: bool = True
    message: str


class MigrationReport(AdminModel):
    """How many secrets were sealed anew, and how many still need a previous key."""

    migrated: int
    residual_legacy: int


class Migrated(AdminModel):
    """POST /credentials/migrate-encryption and GET …/check."""

    status: str = "success"
    dry_run: bool
    report: MigrationReport


class ModelLookup(BaseModel):
    """GET /utils/model_info: what the table of prices says of a model."""

    model_config = ConfigDict(protected_namespaces=())

    model: str
    custom_llm_provider: str
    model_info: dict[str, JsonValue]
