"""Settings of LiteLLM that have no effect here: why, and what to do instead.

Those that protect something are problems, so that nobody believes in a protection that is not
there; all others are warnings.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.config.sections import Path

_NO_CALLBACKS: Final = (
    "is not supported: Tollgate calls no logging service; its log lines and metrics are JSON on "
    "stdout, spend is in litellm_spendlogs"
)
_REDIS: Final = "has no effect: Redis is named by UPSTASH_REDIS_REST_URL and _TOKEN"
_CACHE: Final = (
    "has no effect: the cache lies in Redis, in a database of its own where CACHE_REDIS_REST_URL "
    "and _TOKEN name one"
)
_SCHEDULED: Final = "has no effect: Tollgate's own schedules do it (serverless.yml)"
_AT_ONCE: Final = "has no effect: Tollgate books every call as it ends, nothing is queued"
_LOGIN: Final = (
    "is not supported: callers present virtual keys only; take it out, or keep that login in front "
    "of the gateway"
)
_BLOCKING: Final = "is not supported: block them over /customer/block"
_NO_BUDGET: Final = "is not supported: no budget would be kept; set one over the API"
_NO_GUARDS: Final = (
    "is not supported: no request or answer would be checked; take it out if that is acceptable"
)

_WARNED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "litellm_settings": {
            **dict.fromkeys(
                ("success_callback", "failure_callback", "callbacks", "service_callback"),
                _NO_CALLBACKS,
            ),
            "service_callbacks": _NO_CALLBACKS,
            "turn_off_message_logging": "has no effect: prompts and answers are never logged",
            "redact_messages_in_exceptions": "has no effect: errors never repeat a prompt",
            "json_logs": "has no effect: log lines are always JSON",
            "set_verbose": "has no effect: there is one level of logging",
            "telemetry": "has no effect: Tollgate sends nothing about you anywhere",
            "request_timeout_retries": "is not a setting; use num_retries",
            "ssl_verify": "is not supported: certificates are always checked",
            "force_ipv4": "is not supported: both are tried, whichever answers first",
            "default_team_settings": "is not supported: teams are made over the API",
            "mcp_aliases": "is not supported: there is no MCP gateway",
        },
        "router_settings": {
            **dict.fromkeys(("redis_host", "redis_port", "redis_password", "redis_url"), _REDIS),
            "cache_responses": "has no effect here; set litellm_settings.cache",
            "set_verbose": "has no effect: there is one level of logging",
            "debug_level": "has no effect: there is one level of logging",
            "provider_budget_config": "is not supported: give deployments' models budgets by key "
            "or team (model_max_budget)",
            "assistants_config": "is not supported: OpenAI has ended the Assistants API",
            "polling_interval": "has no effect: a call without room is refused, not queued",
            "default_priority": "has no effect: a call without room is refused, not queued",
            "retry_after": "has no effect: providers are asked again after their own Retry-After",
            "optional_pre_call_checks": "is not supported; enable_pre_call_checks checks context "
            "window and region",
        },
        "general_settings": {
            "store_model_in_db": "has no effect: models in the database always count",
            "database_connection_pool_limit": "has no effect; set TOLLGATE_POSTGRES_CONNECTIONS",
            "database_connection_timeout": "has no effect: connections are bounded to seconds",
            "disable_spend_logs": "is not supported: the ledger is what budgets rest on",
            "disable_reset_budget": _SCHEDULED,
            "proxy_batch_write_at": _AT_ONCE,
            "proxy_budget_rescheduler_min_time": _SCHEDULED,
            "proxy_budget_rescheduler_max_time": _SCHEDULED,
            "use_redis_transaction_buffer": _AT_ONCE,
            "alerting_threshold": "has no effect: alerts tell of budgets; slow calls are metrics",
            "alerting_args": "has no effect: each alert is sent once a period",
            "background_health_checks": "is not supported: GET /health asks when it is called",
            "health_check_interval": "is not supported: GET /health asks when it is called",
            **dict.fromkeys(
                ("fail_closed_budget_enforcement", "fail_closed_rate_limit_enforcement"),
                "has no effect: it is so unless litellm_settings.redis_down is grace",
            ),
            "store_prompts_in_spend_logs": "is not supported: prompts are never kept",
            "ui_access_mode": "has no effect: there is no web interface",
            "infer_model_from_keys": "is not supported: name models in model_list, openai/* too",
            "completion_model": "is not supported: callers name their model",
        },
        "cache_params": {
            **dict.fromkeys(
                ("redis_startup_nodes", "sentinel_nodes", "service_name", "max_connections"), _CACHE
            ),
            "similarity_threshold": "is not supported: only equal calls share an answer",
            "qdrant_collection_name": "is not supported: only equal calls share an answer",
            "redis_semantic_cache_embedding_model": "is not supported: only equal calls share one",
            "s3_bucket_name": _CACHE,
            "gcs_bucket_name": _CACHE,
        },
        "litellm_params": {
            "max_retries": "has no effect: router_settings.num_retries counts for all",
            "use_in_pass_through": "has no effect: any deployment of a vendor opens its routes",
            "configurable_clientside_auth_params": "is not supported: callers bring no keys",
        },
        "": {
            "callback_settings": _NO_CALLBACKS,
            "mcp_servers": "is not supported: there is no MCP gateway",
            "mcp_tools": "is not supported: there is no MCP gateway",
            "vector_store_registry": "is not supported: vendors' own routes reach their stores",
            "search_tools": "is not supported: there is no search gateway",
            "prompts": "is not supported: callers send their prompts",
            "files_settings": "is not supported: vendors' own routes take files",
            "finetune_settings": "is not supported: vendors' own routes do it",
        },
    }
)
_REFUSED: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
    {
        "": {"guardrails": _NO_GUARDS, "policies": _NO_GUARDS},
        "litellm_settings": {
            "guardrails": _NO_GUARDS,
            "key_generation_settings": "is not supported: who may make keys is fixed by role",
            **dict.fromkeys(("max_user_budget", "tag_budget_config"), _NO_BUDGET),
            "blocked_user_list": _BLOCKING,
            "banned_keywords_list": _NO_GUARDS,
            "llm_guard_mode": _NO_GUARDS,
        },
        "general_settings": {
            **dict.fromkeys(
                ("custom_auth", "enable_jwt_auth", "enable_oauth2_auth", "custom_key_generate"),
                _LOGIN,
            ),
            "allowed_ips": "is not supported: let AWS WAF or a security group do it",
            "max_request_size_mb": "is not supported: bodies are bounded to 6 MB",
            "max_response_size_mb": "is not supported: answers are bounded to 6 MB",
            **dict.fromkeys(
                ("max_parallel_requests", "global_max_parallel_requests"),
                "is not supported: give keys, users and teams max_parallel_requests",
            ),
            **dict.fromkeys(
                ("custom_key_update", "custom_key_policy", "enforce_rbac", "role_permissions"),
                "is not supported: who may change what of a key is fixed by role",
            ),
            "disable_custom_api_keys": "is not supported: callers may choose a key's secret",
            "disable_key_generate_for_org_admin": "is not supported: who may make keys is fixed by "
            "role",
            "allowed_routes": "is not supported: give keys allowed_routes",
            "blocked_user_list": _BLOCKING,
            "banned_keywords_list": _NO_GUARDS,
            "enforced_params": "is not supported: no parameter would be demanded",
            "enforce_user_param": "is not supported: no parameter would be demanded",
            "reject_clientside_metadata_tags": "is not supported: callers may name tags",
            "admin_only_routes": "is not supported: who may call what is fixed by role",
            "public_routes": "is not supported: only the health routes are public",
            "key_management_system": "is not supported; write ssm:/path for a value in AWS's "
            "Parameter Store",
        },
    }
)


def refusal_of(path: Path) -> str | None:
    """Say why a setting of LiteLLM must not be there; None when it may."""
    return _of(path, _REFUSED)


def reason_of(path: Path) -> str | None:
    """Say why a setting of LiteLLM has no effect; None when it is none that is known."""
    return _of(path, _WARNED)


def _of(path: Path, known: Mapping[str, Mapping[str, str]]) -> str | None:
    *above, name = path
    section = str(above[-1]) if above else ""
    return known.get(section, {}).get(str(name))
