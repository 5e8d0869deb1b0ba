"""Reports of spend: what is asked, the sums they are made of, and LiteLLM's shapes of them."""

from __future__ import annotations

from datetime import date as Date  # noqa: N812 - `date` is the name of a field
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from shared.wire.admin_fields import AdminModel, AdminRequest, Identifier, Identifiers, KeyReference
from shared.wire.admin_spend import SpendLog


class Between(BaseModel):
    """Two days, the last one included; without them the last 30."""

    model_config = ConfigDict(frozen=True)

    start_date: Identifier | None = None
    end_date: Identifier | None = None
    limit: Annotated[int, Field(ge=1, le=10_000)] = 100
    api_key: KeyReference | None = None


class Report(Between):
    """GET /global/spend/report; of one key or one user it tells key by key, as LiteLLM does."""

    group_by: Literal["team", "customer", "api_key"] = "team"
    team_id: Identifier | None = None
    customer_id: Identifier | None = None
    internal_user_id: Identifier | None = None


class TagsQuery(Between):
    """GET /global/spend/tags; names are separated by commas."""

    tags: Identifiers | None = None


class Activity(BaseModel):
    """GET /{user|team|organization|customer|tag}/daily/activity; ids are separated by commas."""

    model_config = ConfigDict(frozen=True)

    start_date: Identifier | None = None
    end_date: Identifier | None = None
    model: Identifier | None = None
    api_key: KeyReference | None = None
    user_id: Identifier | None = None
    team_ids: Identifiers | None = None
    organization_ids: Identifiers | None = None
    end_user_ids: Identifiers | None = None
    tags: Identifiers | None = None
    exclude_team_ids: Identifiers | None = None
    exclude_organization_ids: Identifiers | None = None
    exclude_end_user_ids: Identifiers | None = None
    page: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    page_size: Annotated[int, Field(ge=1, le=1_000)] = 50


class ActivityExport(Activity):
    """GET /{…}/daily/activity/export: one row a day and entity, or one for each of its parts."""

    export_type: Literal["daily", "daily_with_keys", "daily_with_models", "daily_with_users"] = (
        "daily"
    )
    format: Literal["csv", "json"] = "csv"


class ExportRow(AdminModel):
    """A row of such a table; LiteLLM's columns in LiteLLM's order."""

    date: str
    entity_id: str
    entity_alias: str | None
    api_key: str | None
    key_alias: str | None
    user_id: str | None
    user_email: str | None
    model: str | None
    spend: Decimal
    flat_cost: int = 0
    prompt_tokens: int
    completion_tokens: int
    api_requests: int
    successful_requests: int
    failed_requests: int
    cache_read_input_tokens: int
    cache_creation_input_tokens: int


class OwnReport(Between):
    """GET /{key|user|team|organization}/spend/report: without an id the caller's own."""

    internal_user_id: Identifier | None = None
    team_id: Identifier | None = None
    organization_id: Identifier | None = None


class MembersQuery(Between):
    """GET /team/spend/by_user; ids are separated by commas."""

    team_ids: Identifiers


class CallsQuery(Between):
    """GET /global/activity/cache_hits."""

    key_aliases: Annotated[list[Identifier], Field(max_length=1_000)] | None = None
    models: Annotated[list[Identifier], Field(max_length=1_000)] | None = None


LogSort = Literal[
    "startTime", "endTime", "spend", "total_tokens", "request_duration_ms", "ttft_ms", "model"
]
"""What rows of the ledger may be sorted by."""


class LogsQuery(BaseModel):
    """GET /spend/logs/v2; a date with a time of day means that moment, without one all of the day.

    `key_alias` and `session_id` may be parts of one; `search` is any id in a row.
    """

    model_config = ConfigDict(frozen=True)

    api_key: KeyReference | None = None
    user_id: Identifier | None = None
    team_id: Identifier | None = None
    request_id: Identifier | None = None
    session_id: Identifier | None = None
    end_user: Identifier | None = None
    model: Identifier | None = None
    model_id: Identifier | None = None
    model_group: Identifier | None = None
    key_alias: Identifier | None = None
    status_filter: Literal["success", "failure", "lost"] | None = None
    error_code: Identifier | None = None
    cache_hit_filter: Literal["hit", "miss"] | None = None
    search: Identifier | None = None
    min_spend: Annotated[float, Field(ge=0, le=9_000_000)] | None = None
    max_spend: Annotated[float, Field(ge=0, le=9_000_000)] | None = None
    start_date: Identifier | None = None
    end_date: Identifier | None = None
    page: Annotated[int, Field(ge=1, le=200)] = 1
    page_size: Annotated[int, Field(ge=1, le=1_000)] = 50
    sort_by: LogSort = "startTime"
    sort_order: Literal["asc", "desc"] = "desc"


class LogPage(AdminModel):
    """A page of the ledger; `total` stops at a cap."""

    data: list[SpendLog]
    total: int
    is_total_exact: bool
    page: int
    page_size: int
    total_pages: int


class EndUsersQuery(AdminRequest):
    """POST /global/spend/end_users."""

    start_time: Identifier | None = Field(default=None, alias="startTime")
    end_time: Identifier | None = Field(default=None, alias="endTime")
    api_key: KeyReference | None = None


class Calculate(AdminRequest):
    """POST /spend/calculate: a call that could be made, or the answer of one that was."""

    model: Identifier | None = None
    messages: Annotated[list[dict[str, JsonValue]], Field(max_length=10_000)] | None = None
    completion_response: dict[str, JsonValue] | None = None


class Cost(AdminModel):
    """What a call costs, in dollars."""

    cost: Decimal


class Sums(AdminModel):
    """What a number of requests come to."""

    model_config = ConfigDict(frozen=True)

    spend: Decimal = Decimal(0)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    api_requests: int = 0
    successful_requests: int = 0
    failed_requests: int = 0

    def __add__(self, other: Sums) -> Sums:
        """Take two together."""
        return Sums(**{name: getattr(self, name) + getattr(other, name) for name in _ADDED})


_ADDED = tuple(Sums.model_fields)


class DaySplit(Sums):
    """A day's sums, or those of one model, group, provider, key or entity in it."""

    date: Date
    split: str | None
    name: str | None


class NameSum(AdminModel):
    """What one name comes to."""

    name: str
    spend: Decimal
    total_tokens: int
    api_requests: int
    failed_requests: int


class DetailSum(AdminModel):
    """What one entity came to by one key on one model in one day."""

    date: Date
    entity_id: str
    api_key: str
    model: str
    spend: Decimal
    total_tokens: int
    api_requests: int
    failed_requests: int


class KeySum(AdminModel):
    """What one key came to on one model."""

    api_key: str
    model: str
    spend: Decimal
    prompt_tokens: int
    completion_tokens: int


class MemberSum(AdminModel):
    """What one user came to in one team; keys that are nobody's have no user."""

    team_id: str
    team_alias: str | None = None
    user_id: str
    user_email: str | None = None
    user_alias: str | None = None
    spend: Decimal
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int = 0
    api_requests: int
    successful_requests: int
    failed_requests: int


class MembersReply(AdminModel):
    """The answer to /team/spend/by_user."""

    start_date: Date
    end_date: Date
    results: list[MemberSum]


class CallGroup(AdminModel):
    """What the calls of one kind came to."""

    call_type: str
    api_requests: int = 0
    cache_hits: int = 0
    failed_requests: int = 0
    cached_completion_tokens: int = 0
    generated_completion_tokens: int = 0


class CallSum(CallGroup):
    """The same of those that failed in one way; those that did not have no code and class."""

    error_code: str
    error_class: str


class CallTotals(AdminModel):
    """What all calls came to; the ratio is in percent."""

    api_requests: int
    cache_hits: int
    failed_requests: int
    cached_completion_tokens: int
    cache_hit_ratio: float


class CallOptions(AdminModel):
    """What the calls can be narrowed to."""

    key_aliases: list[str]
    models: list[str]


class CallErrors(AdminModel):
    """How often calls of a kind failed in one way."""

    call_type: str
    error_code: str
    error_class: str
    count: int


class CallsReply(AdminModel):
    """The answer to /global/activity/cache_hits."""

    groups: list[CallGroup]
    totals: CallTotals
    filter_options: CallOptions
    error_breakdown: list[CallErrors]


class KeyName(AdminModel):
    """What a key is called."""

    token: str
    key_alias: str | None = None
    key_name: str | None = None
    team_id: str | None = None


Rows = list[dict[str, object]]


class ActivityReply(AdminModel):
    """Days with their sums, and the sums of all days asked for."""

    results: Rows
    metadata: dict[str, object]
