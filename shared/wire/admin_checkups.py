"""Health and utilities on the admin API: what is asked, and what is told."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, JsonValue

from shared.wire.admin_fields import AdminModel, AdminRequest, Identifier

Message = dict[str, JsonValue]


class CheckedEndpoint(AdminModel):
    """One deployment, and what was wrong when it was called."""

    model_config = ConfigDict(frozen=True, protected_namespaces=())

    model: str
    model_name: str
    model_id: str
    api_base: str | None = None
    error: str | None = None


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
