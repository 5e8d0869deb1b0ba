"""Health and utilities on the admin API: what is asked, and what is told."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.wire.admin_fields import AdminModel, AdminRequest, Document, Identifier

Message = dict[str, JsonValue]


class CheckedEndpoint(AdminModel):
    """One deployment, and what was wrong when it was called."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model: str
    model_name: str
    model_id: str
    api_base: str | None = None
    error: str | None = None
    response_time_ms: float | None = None


class HealthReply(AdminModel):
    """GET /health."""

    healthy_endpoints: list[CheckedEndpoint]
    unhealthy_endpoints: list[CheckedEndpoint]
    unchecked_endpoints: list[CheckedEndpoint]
    healthy_count: int
    unhealthy_count: int


class ReadinessDetails(AdminModel):
    """GET /health/readiness/details."""

    status: str
    db: str
    cache: str
    stage: str
    config_version: int | None
    models: int


class RouteEntry(AdminModel):
    """One route."""

    path: str
    methods: list[str]


class Routes(AdminModel):
    """GET /routes."""

    routes: list[RouteEntry]


class CountTokens(AdminRequest):
    """POST /utils/token_counter."""

    model: Identifier
    messages: Annotated[list[Message], Field(max_length=10_000)] | None = None
    prompt: str | None = None


class TokenCount(AdminModel):
    """How many tokens a prompt probably has."""

    model_config = ConfigDict(protected_namespaces=())

    total_tokens: int
    request_model: str
    model_used: str
    tokenizer_type: str


class SupportedParams(AdminModel):
    """GET /utils/supported_openai_params."""

    supported_openai_params: list[str]


class TestConnection(AdminRequest):
    """POST /health/test_connection: a deployment there is, or one that is not kept."""

    mode: Literal["chat", "completion", "embedding", "moderation", "rerank"] | None = None
    litellm_params: Document
    model_info: Document | None = None


class ConnectionReply(AdminModel):
    """What came of the call, without any secret."""

    status: Literal["success", "error"]
    result: CheckedEndpoint


class HealthQuery(BaseModel):
    """GET /health/history."""

    model_config = ConfigDict(frozen=True)

    model: Identifier | None = None
    status_filter: Literal["healthy", "unhealthy"] | None = None
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    offset: Annotated[int, Field(ge=0, le=1_000_000)] = 0


class HealthCheck(AdminModel):
    """How a deployment was when /health called it."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    health_check_id: str
    model_name: str
    model_id: str | None = None
    status: str
    healthy_count: int
    unhealthy_count: int
    error_message: str | None = None
    response_time_ms: float | None = None
    details: JsonValue = None
    checked_by: str | None = None
    checked_at: datetime
    created_at: datetime


class HealthHistory(AdminModel):
    """GET /health/history."""

    health_checks: list[HealthCheck]
    total_records: int
    limit: int
    offset: int


class LatestHealth(AdminModel):
    """GET /health/latest, by the deployment's id."""

    latest_health_checks: dict[str, HealthCheck]
    total_models: int


class ServiceReply(AdminModel):
    """GET /health/services."""

    status: str = "success"
    message: str


class TransformRequest(AdminRequest):
    """POST /utils/transform_request."""

    call_type: Literal[
        "completion",
        "acompletion",
        "text_completion",
        "atext_completion",
        "embedding",
        "aembedding",
        "moderation",
        "amoderation",
        "rerank",
        "arerank",
        "responses",
        "aresponses",
        "anthropic_messages",
    ]
    request_body: Document


class RawRequest(AdminModel):
    """What a vendor would be sent; where that is and what opens it is left out."""

    raw_request_api_base: str | None = None
    raw_request_body: dict[str, JsonValue] | None = None
    raw_request_headers: dict[str, str] | None = None
    error: str | None = None
