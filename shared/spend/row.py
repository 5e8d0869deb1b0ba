"""The ledger row of one call, as JSON on its way to Postgres.

Spend, tokens and id travel beside it in the stream, because the sweeper and a late settle change
them without reading JSON.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import orjson

if TYPE_CHECKING:
    from shared.domain import Call, Deployment, JsonObject, Millis, Principal, Usage

Status = Literal["success", "failure", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How a call ended, as far as its row tells."""

    status: Status
    at: Millis
    response_id: str | None = None
    model_group: str | None = None
    """The fallback that stood in for what was asked for, or that."""
    deployment: Deployment | None = None
    first_byte_at: Millis | None = None
    usage: Usage | None = None
    is_priced: bool = True
    attempts: int = 1
    error_type: str | None = None
    error_status: int | None = None
    cache_key: str | None = None
    is_cache_hit: bool = False


def render_row(call: Call, principal: Principal, since: JsonObject, ending: Ending) -> str:
    """Write the row; `since` says in which period each budget bears it."""
    deployment = ending.deployment
    row: JsonObject = {
        "request_id": ending.response_id or call.id,
        "call_type": call.endpoint.value,
        "api_key": principal.key.entity_id,
        "model": deployment.model if deployment else call.model,
        "model_group": ending.model_group or call.model,
        "model_id": deployment.id if deployment else None,
        "custom_llm_provider": deployment.provider if deployment else None,
        "api_base": deployment.api_base.partition("?")[0] if deployment else None,
        "user": principal.key.user_id,
        "team_id": principal.key.team_id,
        "organization_id": principal.org.entity_id if principal.org else None,
        "end_user": call.end_user,
        "end_ms": ending.at,
        "completion_start_ms": ending.first_byte_at,
        "metadata": _metadata(call, principal, ending),
        "cache_hit": ending.is_cache_hit,
        "cache_key": ending.cache_key,
        "request_tags": list(call.tags),
        "session_id": call.trace.session_id,
        "requester_ip": call.requester_ip,
        "since": since,
    }
    return orjson.dumps(row).decode()


def _metadata(call: Call, principal: Principal, ending: Ending) -> JsonObject:
    """Write what has no column: LiteLLM's names where it has one, nothing that is empty."""
    usage = ending.usage
    cached: JsonObject = {}
    if usage is not None and usage.cached_tokens + usage.cache_creation_tokens > 0:
        cached = {
            "cache_read_input_tokens": usage.cached_tokens,
            "cache_creation_input_tokens": usage.cache_creation_tokens,
        }
    error: JsonObject = {"error_class": ending.error_type, "error_code": ending.error_status}
    facts: JsonObject = {
        "status": ending.status,
        "user_api_key_alias": principal.key.key_alias,
        "user_api_key_team_alias": principal.team.team_alias if principal.team else None,
        "attempts": ending.attempts if ending.attempts > 1 else None,
        "estimated": True if usage is not None and usage.is_estimated else None,
        "additional_usage_values": cached or None,
        "unpriced": (not ending.is_priced) or None,
        "error_information": error if ending.error_type else None,
        "litellm_call_id": call.trace.reported_id,
        "spend_logs_metadata": _notes(call, principal) or None,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _notes(call: Call, principal: Principal) -> JsonObject:
    """Join what team, key and caller want to find again: LiteLLM lets the nearer one win."""
    notes: JsonObject = {}
    for holder in (principal.team, principal.key):
        told = holder.metadata.get("spend_logs_metadata") if holder else None
        notes |= told if isinstance(told, dict) else {}
    return {**notes, **orjson.loads(call.trace.notes)}
