"""A body for every route that takes one, as the docs show it.

Read from top to bottom they are one story, which a test tells to a running gateway: what is made
here is changed, blocked and deleted further down.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping


KEY: Final = "sk-example-of-a-virtual-key"
RENEWED: Final = "sk-example-of-its-next-secret"

PARTS: Final[Mapping[str, str]] = {
    "{team_id}": "research",
    "{user_id}": "ada",
    "{model_id}": "our-gpt",
    "{name}": "openai-main",
    "{key}": KEY,
}
"""What stands in the paths."""

EXAMPLES: Final[Mapping[str, Mapping[str, object]]] = {
    # Organisations, budgets and users
    "POST /organization/new": {
        "organization_id": "acme",
        "organization_alias": "Acme",
        "max_budget": 1000,
        "budget_duration": "30d",
    },
    "PATCH /organization/update": {"organization_id": "acme", "metadata": {"plan": "gold"}},
    "POST /budget/new": {
        "budget_id": "hundred-a-month",
        "max_budget": 100,
        "budget_duration": "30d",
        "rpm_limit": 60,
    },
    "POST /budget/update": {"budget_id": "hundred-a-month", "max_budget": 120},
    "POST /budget/info": {"budgets": ["hundred-a-month"]},
    "POST /user/new": {
        "user_id": "ada",
        "user_email": "ada@example.com",
        "user_role": "internal_user",
        "max_budget": 50,
        "budget_duration": "30d",
        "auto_create_key": False,
    },
    "POST /user/update": {"user_id": "ada", "max_budget": 75},
    "POST /user/bulk_update": {"users": [{"user_id": "ada", "tpm_limit": 100000}]},
    "POST /organization/member_add": {
        "organization_id": "acme",
        "member": {"role": "org_admin", "user_id": "ada"},
    },
    "PATCH /organization/member_update": {
        "organization_id": "acme",
        "user_id": "ada",
        "role": "internal_user",
    },
    # Models
    "POST /model/new": {
        "model_name": "gpt-4o",
        "litellm_params": {"model": "openai/gpt-4o", "api_key": "sk-of-the-provider", "rpm": 500},
        "model_info": {"id": "our-gpt"},
    },
    "POST /model/update": {"model_info": {"id": "our-gpt"}, "litellm_params": {"rpm": 600}},
    "PATCH /model/{model_id}/update": {"litellm_params": {"input_cost_per_token": 0.0000025}},
    "POST /model/block": {"model_id": "our-gpt"},
    "POST /model/unblock": {"model_id": "our-gpt"},
    "POST /fallback": {"model": "gpt-4o", "fallback_models": ["gpt-4o-mini"]},
    "POST /credentials": {
        "credential_name": "openai-main",
        "credential_values": {"api_key": "sk-of-the-provider"},
        "credential_info": {"custom_llm_provider": "openai"},
    },
    "PATCH /credentials/{name}": {"credential_values": {"api_key": "sk-of-the-provider-anew"}},
    # Teams
    "POST /team/new": {
        "team_id": "research",
        "team_alias": "Research",
        "organization_id": "acme",
        "models": ["gpt-4o"],
        "max_budget": 500,
        "budget_duration": "30d",
        "members_with_roles": [{"role": "admin", "user_id": "ada"}],
    },
    "POST /team/update": {"team_id": "research", "max_budget": 600},
    "PATCH /team/{team_id}": {"team_alias": "Research and teaching"},
    "POST /team/model/add": {"team_id": "research", "models": ["o3"]},
    "POST /team/model/delete": {"team_id": "research", "models": ["o3"]},
    "POST /team/member_add": {
        "team_id": "research",
        "member": {"role": "user", "user_id": "grace"},
        "max_budget_in_team": 20,
    },
    "POST /team/bulk_member_add": {
        "team_id": "research",
        "members": [{"role": "user", "user_email": "alan@example.com"}],
    },
    "POST /team/member_update": {
        "team_id": "research",
        "user_id": "grace",
        "max_budget_in_team": 30,
    },
    "POST /team/{team_id}/member/{user_id}/reset_spend": {"reset_to": 0},
    "POST /team/permissions_update": {
        "team_id": "research",
        "team_member_permissions": ["/key/generate", "/key/info"],
    },
    "POST /team/permissions_bulk_update": {
        "team_ids": ["research"],
        "permissions": ["/key/list"],
    },
    "POST /team/{team_id}/callback": {"callback_name": "langfuse", "callback_vars": {}},
    "POST /team/block": {"team_id": "research"},
    "POST /team/unblock": {"team_id": "research"},
    # Keys
    "POST /key/generate": {
        "key": KEY,
        "key_alias": "ada-notebook",
        "user_id": "ada",
        "team_id": "research",
        "models": ["gpt-4o"],
        "max_budget": 10,
        "budget_duration": "1d",
        "rpm_limit": 60,
        "duration": "90d",
        "metadata": {"project": "notebooks"},
    },
    "POST /key/service-account/generate": {"team_id": "research", "key_alias": "nightly"},
    "POST /key/update": {"key": KEY, "max_budget": 20, "tags": ["experiments"]},
    "POST /key/bulk_update": {"keys": [{"key": KEY, "tpm_limit": 50000}]},
    "POST /team/key/bulk_update": {
        "team_id": "research",
        "key_ids": [KEY],
        "update_fields": {"max_parallel_requests": 4},
    },
    "POST /v2/key/info": {"keys": [KEY]},
    "POST /key/block": {"key": KEY},
    "POST /key/unblock": {"key": KEY},
    "POST /key/{key}/reset_spend": {"reset_to": 0},
    "POST /key/{key}/regenerate": {"new_key": RENEWED, "grace_period": "24h"},
    "POST /key/regenerate": {"key": RENEWED, "duration": "30d"},
    # Customers and tags
    **{
        f"POST /{whose}/{what}": body
        for whose in ("customer", "end_user")
        for what, body in {
            "new": {
                "user_id": "customer-42",
                "alias": "Customer 42",
                "max_budget": 5,
                "budget_duration": "30d",
            },
            "update": {"user_id": "customer-42", "rpm_limit": 10},
            "block": {"user_ids": ["customer-42"]},
            "unblock": {"user_ids": ["customer-42"]},
            "delete": {"user_ids": ["customer-42"]},
        }.items()
    },
    "POST /tag/new": {"name": "experiments", "max_budget": 25, "budget_duration": "7d"},
    "POST /tag/update": {"name": "experiments", "description": "Whatever is tried out"},
    "POST /tag/info": {"names": ["experiments"]},
    "POST /tag/delete": {"name": "experiments"},
    # Spend, settings, utilities
    "POST /spend/calculate": {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "What would this cost?"}],
    },
    "POST /global/spend/end_users": {"startTime": "2026-01-01", "endTime": "2026-01-31"},
    "POST /config/update": {"litellm_settings": {"drop_params": True}},
    "POST /config/field/update": {
        "field_name": "apply_user_budget_to_team_keys",
        "field_value": True,
    },
    "POST /config/field/delete": {"field_name": "apply_user_budget_to_team_keys"},
    "POST /cache/delete": {"keys": ["5d41402abc4b2a76b9719d911017c592"]},
    "POST /utils/token_counter": {
        "model": "gpt-4o",
        "messages": [{"role": "user", "content": "How long is this?"}],
    },
    "POST /utils/transform_request": {
        "call_type": "completion",
        "request_body": {
            "model": "gpt-4o",
            "messages": [{"role": "user", "content": "How would a vendor be asked this?"}],
        },
    },
    "POST /health/test_connection": {
        "mode": "chat",
        "litellm_params": {"model": "gpt-4o-mini"},
    },
    "POST /cache/settings": {"cache_settings": {"ttl": 600, "mode": "default_on"}},
    "POST /config/callback/delete": {"callback_name": "langfuse"},
    # And the end of it
    "POST /key/delete": {"key_aliases": ["ada-notebook", "nightly"]},
    "POST /team/member_delete": {"team_id": "research", "user_id": "grace"},
    "POST /team/delete": {"team_ids": ["research"]},
    "DELETE /organization/member_delete": {"organization_id": "acme", "user_id": "ada"},
    "DELETE /organization/delete": {"organization_ids": ["acme"]},
    "POST /user/delete": {"user_ids": ["ada"]},
    "POST /budget/delete": {"id": "hundred-a-month"},
    "POST /model/delete": {"id": "our-gpt"},
}
