"""What /spend/logs is asked, and rows of the ledger, or their sums by day, in LiteLLM's names."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.wire.admin_fields import AdminModel, Identifier, KeyReference


class SpendLogsQuery(BaseModel):
    """GET /spend/logs; dates are `YYYY-MM-DD`, with or without a time, the last one included."""

    model_config = ConfigDict(frozen=True)

    api_key: KeyReference | None = None
    user_id: Identifier | None = None
    request_id: Identifier | None = None
    start_date: Identifier | None = None
    end_date: Identifier | None = None
    summarize: bool = True
    limit: Annotated[int, Field(ge=1, le=10_000)] = 1_000


class SpendLog(AdminModel):
    """One billed request."""

    model_config = ConfigDict(frozen=True, validate_by_name=True)

    request_id: str
    call_type: str
    api_key: str
    spend: Decimal
    total_tokens: int
    prompt_tokens: int
    completion_tokens: int
    start_time: datetime = Field(alias="startTime")
    end_time: datetime = Field(alias="endTime")
    completion_start_time: datetime | None = Field(default=None, alias="completionStartTime")
    model: str
    model_id: str | None = None
    model_group: str | None = None
    custom_llm_provider: str | None = None
    api_base: str | None = None
    user: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    end_user: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    cache_hit: str
    cache_key: str | None = None
    request_tags: list[str] = Field(default_factory=list[str])
    requester_ip_address: str | None = None
    session_id: str | None = None
    status: str | None = None


class DaySum(AdminModel):
    """What one key spent for one user on one model in one UTC day."""

    model_config = ConfigDict(frozen=True)

    day: date
    api_key: str
    user: str
    model: str
    spend: Decimal
