"""Who may call which management route with which fields: one table, and nothing beside it.

A route with no one beside it is the proxy admin's alone; a route that is not in the table is
nobody's. Which rows a caller has a standing over is decided row by row (caller.py). The proxy
admin may send every field, everybody else the fields that stand beside them.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from shared.domain import Role

if TYPE_CHECKING:
    from collections.abc import Mapping


class Standing(StrEnum):
    """What somebody is to the rows that a call is about."""

    PROXY_ADMIN = Role.PROXY_ADMIN
    PROXY_ADMIN_VIEWER = Role.PROXY_ADMIN_VIEWER
    ORG_ADMIN = "org_admin"
    TEAM_ADMIN = "team_admin"
    INTERNAL_USER = Role.INTERNAL_USER
    INTERNAL_USER_VIEWER = Role.INTERNAL_USER_VIEWER
    TEAM = "team"  # a key that belongs to a team and to no user
    CUSTOMER = "customer"  # whoever holds a key and is nothing else


Fields = frozenset[str]

EVERY: Final[Fields] = frozenset({"*"})
"""All fields: for reports, and bodies that name what they are about and say nothing else."""

NOTHING: Final[Fields] = frozenset()

_LIMITS: Final = frozenset(
    {
        *("max_budget", "soft_budget", "budget_duration", "budget_limits", "model_max_budget"),
        *("rpm_limit", "tpm_limit", "rph_limit", "tph_limit", "rpd_limit", "tpd_limit"),
        *("model_rpm_limit", "model_tpm_limit", "tag_rpm_limit", "max_parallel_requests"),
        *("rpm_limit_type", "tpm_limit_type"),
    }
)
_OWN_KEY: Final = frozenset({"key", "key_alias", "metadata", "tags"})
"""Of a key that exists, what its owner may change: nothing that widens it."""

_NEW_KEY: Final = (
    _OWN_KEY
    | _LIMITS
    | {"user_id", "team_id", "duration", "models", "aliases", "config", "blocked", "key_type"}
    | {"allowed_routes", "allowed_cache_controls", "enforced_params"}
    | {"prompts", "auto_rotate", "rotation_interval", "router_settings", "budget_fallbacks"}
)
"""Of a key that somebody makes: the limits of user and team hold beside those of the key."""

_TEAM_KEY: Final = (_NEW_KEY - {"team_id"}) | {"temp_budget_increase", "temp_budget_expiry"}
_ROTATION: Final = frozenset({"key", "new_key", "grace_period", "duration", "key_alias"})
_OWN_USER: Final = frozenset({"user_id", "user_email", "user_alias", "metadata"})
_ORG_USER: Final = (
    _OWN_USER
    | _LIMITS
    | {"user_role", "models", "organizations", "teams", "auto_create_key", "key_alias", "duration"}
)
_TEAM: Final = (
    frozenset({"team_id", "team_alias", "metadata", "tags", "model_aliases"})
    | {"prompts", "router_settings", "team_member_permissions"}
    | {"team_member_budget", "team_member_budget_duration", "team_member_key_duration"}
    | {"team_member_rpm_limit", "team_member_tpm_limit"}
)
"""A team's admins run it; what it may call and spend is decided above them."""

_ORG_TEAM: Final = _TEAM | _LIMITS | {"models", "blocked", "organization_id", "members_with_roles"}
_MEMBER: Final = frozenset(
    {"team_id", "user_id", "user_email", "role", "member", "members", "all_users"}
    | {"max_budget_in_team", "budget_duration", "rpm_limit", "tpm_limit", "allowed_models"}
)
_MODEL: Final = frozenset({"id", "model_id", "model_name", "litellm_params", "model_info"})
_ORG: Final = frozenset({"organization_id", "organization_alias", "metadata"})

_NOBODY: Final[Mapping[Standing, Fields]] = {}
_VIEWER: Final[Mapping[Standing, Fields]] = {Standing.PROXY_ADMIN_VIEWER: EVERY}
_ORG_READ: Final[Mapping[Standing, Fields]] = {**_VIEWER, Standing.ORG_ADMIN: EVERY}
_OWN_READ: Final[Mapping[Standing, Fields]] = {
    **_ORG_READ,
    Standing.TEAM_ADMIN: EVERY,
    Standing.INTERNAL_USER: EVERY,
    Standing.INTERNAL_USER_VIEWER: EVERY,
}
_ANY_KEY: Final[Mapping[Standing, Fields]] = {
    **_OWN_READ,
    Standing.TEAM: EVERY,
    Standing.CUSTOMER: EVERY,
}


def _org(fields: Fields) -> Mapping[Standing, Fields]:
    return {Standing.ORG_ADMIN: fields}


def _teams(org: Fields, team: Fields) -> Mapping[Standing, Fields]:
    return {Standing.ORG_ADMIN: org, Standing.TEAM_ADMIN: team}


def _keys(team: Fields, own: Fields) -> Mapping[Standing, Fields]:
    return {**_teams(team, team), Standing.INTERNAL_USER: own}


PERMITTED: Final[Mapping[str, Mapping[Standing, Fields]]] = {
    # Keys
    "POST /key/generate": _keys(_NEW_KEY, _NEW_KEY),
    "POST /key/service-account/generate": _keys(_NEW_KEY, _NEW_KEY),
    "POST /key/update": _keys(_TEAM_KEY, _OWN_KEY),
    "POST /key/bulk_update": _NOBODY,
    "POST /team/key/bulk_update": _teams(_TEAM_KEY, _TEAM_KEY),
    "POST /key/delete": _keys(EVERY, EVERY),
    "POST /key/block": _teams(EVERY, EVERY),
    "POST /key/unblock": _teams(EVERY, EVERY),
    "POST /key/regenerate": _keys(_TEAM_KEY | _ROTATION, _ROTATION),
    "POST /key/{key}/regenerate": _keys(_TEAM_KEY | _ROTATION, _ROTATION),
    "POST /key/{key}/reset_spend": _teams(EVERY, EVERY),
    "POST /key/health": _ANY_KEY,
    "GET /key/info": _ANY_KEY,
    "POST /v2/key/info": _ANY_KEY,
    "GET /key/list": _OWN_READ,
    "GET /key/aliases": _OWN_READ,
    # Users
    "POST /user/new": _org(_ORG_USER),
    "POST /user/update": {**_org(_OWN_USER), Standing.INTERNAL_USER: _OWN_USER},
    "POST /user/bulk_update": _NOBODY,
    "POST /user/delete": _NOBODY,
    "GET /user/info": _OWN_READ,
    "GET /v2/user/info": _OWN_READ,
    "GET /user/list": _ORG_READ,
    "GET /user/available_roles": _OWN_READ,
    # Teams
    "POST /team/new": _org(_ORG_TEAM),
    "POST /team/update": _teams(_ORG_TEAM, _TEAM),
    "PATCH /team/{team_id}": _teams(_ORG_TEAM, _TEAM),
    "POST /team/delete": _teams(EVERY, EVERY),
    "POST /team/block": _teams(EVERY, EVERY),
    "POST /team/unblock": _teams(EVERY, EVERY),
    # A user may join the teams that the configuration opens to all.
    "POST /team/member_add": {
        **_teams(_MEMBER, _MEMBER),
        Standing.INTERNAL_USER: frozenset({"team_id", "member"}),
    },
    "POST /team/bulk_member_add": _teams(_MEMBER, _MEMBER),
    "POST /team/member_update": _teams(_MEMBER, _MEMBER),
    "POST /team/member_delete": _teams(_MEMBER, _MEMBER),
    "POST /team/{team_id}/member/{user_id}/reset_spend": _teams(EVERY, EVERY),
    "POST /team/model/add": _org(EVERY),
    "POST /team/model/delete": _teams(EVERY, EVERY),
    "POST /team/permissions_update": _teams(EVERY, EVERY),
    "GET /team/permissions_list": _OWN_READ,
    "POST /team/permissions_bulk_update": _NOBODY,
    "GET /team/available": _OWN_READ,
    "GET /team/{team_id}/members/me": _OWN_READ,
    **{f"{method} /team/{{team_id}}/callback": _teams(EVERY, EVERY) for method in ("POST", "GET")},
    "DELETE /team/{team_id}/callback/{callback_name}": _teams(EVERY, EVERY),
    "POST /team/{team_id}/disable_logging": _teams(EVERY, EVERY),
    "GET /team/info": _ANY_KEY,
    "GET /team/list": _OWN_READ,
    "GET /v2/team/list": _OWN_READ,
    # Organisations
    "POST /organization/new": _NOBODY,
    "PATCH /organization/update": _org(_ORG),
    "DELETE /organization/delete": _NOBODY,
    "GET /organization/info": _OWN_READ,
    "GET /organization/list": _OWN_READ,
    "POST /organization/member_add": _org(EVERY),
    "PATCH /organization/member_update": _org(EVERY),
    "DELETE /organization/member_delete": _org(EVERY),
    # Budgets, customers, tags
    **{f"POST /budget/{what}": _NOBODY for what in ("new", "update", "delete")},
    "POST /budget/info": _NOBODY,
    "GET /budget/list": _VIEWER,
    "GET /budget/settings": _VIEWER,
    **{
        f"POST /{whose}/{what}": _NOBODY
        for whose in ("customer", "end_user")
        for what in ("new", "update", "delete", "block", "unblock")
    },
    **{
        f"GET /{whose}/{what}": _VIEWER
        for whose in ("customer", "end_user")
        for what in ("info", "list")
    },
    **{f"POST /tag/{what}": _NOBODY for what in ("new", "update", "delete", "info")},
    "GET /tag/list": _VIEWER,
    # Spend
    "GET /spend/logs": _ANY_KEY,
    "GET /spend/logs/v2": _ANY_KEY,
    "GET /spend/logs/ui": _ANY_KEY,
    "POST /spend/calculate": _ANY_KEY,
    "GET /spend/keys": _VIEWER,
    "GET /spend/users": _VIEWER,
    "GET /spend/tags": _VIEWER,
    "GET /global/spend": _VIEWER,
    **{
        f"GET /global/spend/{what}": _VIEWER
        for what in ("keys", "teams", "models", "provider", "tags", "logs", "report")
    },
    "GET /global/spend/all_tag_names": _VIEWER,
    "POST /global/spend/end_users": _NOBODY,
    "POST /global/spend/reset": _NOBODY,
    "GET /global/activity": _VIEWER,
    "GET /global/activity/model": _VIEWER,
    "GET /global/activity/exceptions": _VIEWER,
    "GET /global/activity/cache_hits": _VIEWER,
    "GET /global/all_end_users": _VIEWER,
    "GET /key/spend/report": _ANY_KEY,
    "GET /user/spend/report": _OWN_READ,
    "GET /team/spend/report": _ANY_KEY,
    "GET /organization/spend/report": _ORG_READ,
    "GET /team/spend/by_user": _OWN_READ,
    **{
        f"GET /{whose}/daily/activity{tail}": who
        for whose, who in (
            ("user", _OWN_READ),
            ("team", {**_ORG_READ, Standing.TEAM_ADMIN: EVERY}),
            ("organization", _ORG_READ),
            ("customer", _VIEWER),
            ("end_user", _VIEWER),
            ("tag", _VIEWER),
        )
        for tail in ("", "/aggregated", "/export")
    },
    # Models: everybody sees what they may call
    # A team's admins have their team's own models.
    **{
        f"POST /model/{what}": _teams(_MODEL, _MODEL)
        for what in ("new", "update", "delete", "block", "unblock")
    },
    "PATCH /model/{model_id}/update": _teams(_MODEL, _MODEL),
    "GET /model/info": _ANY_KEY,
    "GET /v1/model/info": _ANY_KEY,
    "GET /v2/model/info": _ANY_KEY,
    "GET /model_group/info": _ANY_KEY,
    "POST /credentials": _NOBODY,
    "POST /credentials/migrate-encryption": _NOBODY,
    "GET /credentials/migrate-encryption/check": _VIEWER,
    "GET /credentials": _VIEWER,
    "GET /credentials/by_name/{name:path}": _VIEWER,
    "PATCH /credentials/{name:path}": _NOBODY,
    "DELETE /credentials/{name:path}": _NOBODY,
    # Health: a key calls the deployments of the models that it may call
    "GET /health": _ANY_KEY,
    "GET /health/readiness/details": _ANY_KEY,
    "GET /health/history": _VIEWER,
    "GET /health/latest": _VIEWER,
    "POST /health/test_connection": _NOBODY,
    "GET /health/services": _NOBODY,
    "GET /routes": _ANY_KEY,
    "POST /utils/token_counter": _ANY_KEY,
    "POST /utils/transform_request": _ANY_KEY,
    "GET /utils/supported_openai_params": _ANY_KEY,
    "GET /utils/model_info": _ANY_KEY,
    # Configuration and cache
    "POST /config/update": _NOBODY,
    "POST /config/field/update": _NOBODY,
    "POST /config/field/delete": _NOBODY,
    "GET /config/list": _VIEWER,
    "GET /config/field/info": _VIEWER,
    "GET /config/yaml": _VIEWER,
    "GET /get/config/callbacks": _VIEWER,
    "POST /fallback": _NOBODY,
    "GET /fallback/{model:path}": _VIEWER,
    "DELETE /fallback/{model:path}": _NOBODY,
    "GET /cache/ping": _VIEWER,
    "POST /config/callback/delete": _NOBODY,
    "GET /cache/settings": _VIEWER,
    "POST /cache/settings": _NOBODY,
    "GET /cache/redis/info": _VIEWER,
    "POST /cache/delete": _NOBODY,
    "POST /cache/flushall": _NOBODY,
}
