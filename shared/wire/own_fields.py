"""Fields of a body that are for the gateway, and those that only the configuration may say.

The names are LiteLLM's (`all_litellm_params` of its types/utils.py and the request body's banned
ones of its proxy/auth/auth_utils.py, version 1.109, read 2026-11).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from shared.domain import Endpoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject

_OWN: Final = frozenset(
    {
        *("metadata", "litellm_metadata", "tags", "cache", "caching", "guardrails"),
        *("fallbacks", "fastest_response", "disable_fallbacks", "num_retries", "max_retries"),
        *("context_window_fallbacks", "content_policy_fallbacks"),
        *("timeout", "stream_timeout", "request_timeout", "force_timeout", "ttl"),
        *("drop_params", "allowed_openai_params", "additional_drop_params", "modify_params"),
        *("extra_headers", "headers", "default_headers", "logger_fn", "verbose", "no-log"),
        *("model_info", "proxy_server_request", "preset_cache_key", "api_version", "hf_model_name"),
        *("region_name", "allowed_model_region", "cooldown_time", "text_completion", "no-store"),
        *("prompt_id", "prompt_variables", "prompt_version", "secret_fields", "user_api_key_dict"),
        *("ensure_alternating_roles", "user_continue_message", "assistant_continue_message"),
        *("rpm", "tpm", "custom_prompt_dict", "initial_prompt_value", "final_prompt_value"),
        *("roles", "bos_token", "eos_token", "hf_template", "merge_reasoning_content_in_choices"),
    }
)
_OWN_PREFIXES: Final = ("mock_", "litellm_")

_THEIRS: Final[Mapping[Endpoint, frozenset[str]]] = {
    Endpoint.MESSAGES: frozenset({"metadata"}),
    Endpoint.COUNT_TOKENS: frozenset({"metadata"}),
}
"""What is for the provider too, where it has a field of that name."""

_FORBIDDEN: Final = re.compile(
    r"api_base|base_url|api_key|user_config|custom_llm_provider|model_list|deployment_url"
    r"|sagemaker_base_url|s3_endpoint_url|workspace_id|aws_.*|vertex_.*|azure_ad_.*"
    r"|tenant_id|client_id|client_secret|azure_username|azure_password|azure_scope"
    r"|(?:input|output|cache)_.*cost.*"
)
"""What would send a deployment's key elsewhere, open it anew, or change what a call costs."""


def with_extra_body(body: JsonObject) -> JsonObject:
    """Lay a body over its own `extra_body`, so that what came in by it is checked like all else."""
    extra = body.get("extra_body")
    if not isinstance(extra, dict):
        return body
    rest = {name: value for name, value in body.items() if name != "extra_body"}
    return {**extra, **rest}


def forbidden_in(body: JsonObject) -> str | None:
    """Name a field that only the configuration may say."""
    for name, value in body.items():
        if value is not None and _FORBIDDEN.fullmatch(name):
            return name
    return None


def passed_on(endpoint: Endpoint, body: JsonObject) -> JsonObject:
    """Leave out what a caller says to the gateway, not to the provider."""
    theirs = _THEIRS.get(endpoint, frozenset())
    kept = {field: value for field, value in body.items() if field in theirs or not _is_own(field)}
    if endpoint is Endpoint.RESPONSES and (stored := _stored(body.get("metadata"))):
        kept["metadata"] = stored
    return kept


def _stored(metadata: Json) -> JsonObject:
    """Keep of the metadata what a provider of the Responses API stores: words, none for us."""
    given = metadata if isinstance(metadata, dict) else {}
    return {name: value for name, value in given.items() if isinstance(value, str)}


def _is_own(field: str) -> bool:
    is_for_us = field in _OWN or field.startswith(_OWN_PREFIXES)
    return is_for_us or _FORBIDDEN.fullmatch(field) is not None
