"""Calls about a row that is somebody else's: of every kind there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.admin.asking import own

if TYPE_CHECKING:
    from tests.admin.asking import Json


@dataclass(frozen=True)
class Attempt:
    """A call about somebody else's row."""

    method: str
    path: str
    body: Json


def attempts(house: Json) -> list[Attempt]:
    return [
        *attempts_at_keys_and_users(house),
        *attempts_at_teams(house),
        *attempts_at_organizations(house),
        *attempts_at_reports(house),
        *attempts_at_settings(house),
    ]


def attempts_at_keys_and_users(house: Json) -> list[Attempt]:
    team, user, key = house["team"], house["user"], house["key"]
    return [
        Attempt("POST", "/key/update", {"key": key, "key_alias": own()}),
        Attempt("POST", "/key/delete", {"keys": [key]}),
        Attempt("POST", "/key/block", {"key": key}),
        Attempt("POST", "/key/unblock", {"key": key}),
        Attempt("POST", "/key/regenerate", {"key": key}),
        Attempt("POST", f"/key/{key}/regenerate", {}),
        Attempt("POST", f"/key/{key}/reset_spend", {"reset_to": 0}),
        Attempt("POST", "/key/generate", {"team_id": team}),
        Attempt("POST", "/key/generate", {"user_id": user}),
        Attempt("POST", "/key/service-account/generate", {"team_id": team}),
        Attempt("GET", "/key/info", {"key": key}),
        Attempt("GET", "/key/list", {"user_id": user}),
        Attempt("POST", "/user/update", {"user_id": user, "user_alias": "n"}),
        Attempt("GET", "/user/info", {"user_id": user}),
        Attempt("GET", "/v2/user/info", {"user_id": user}),
    ]


def attempts_at_teams(house: Json) -> list[Attempt]:
    team, org, user = house["team"], house["org"], house["user"]
    member = {"role": "user", "user_id": own("new")}
    return [
        Attempt("POST", "/team/new", {"organization_id": org}),
        Attempt("POST", "/team/update", {"team_id": team, "team_alias": "n"}),
        Attempt("PATCH", f"/team/{team}", {"team_alias": "n"}),
        Attempt("POST", "/team/delete", {"team_ids": [team]}),
        Attempt("POST", "/team/block", {"team_id": team}),
        Attempt("POST", "/team/unblock", {"team_id": team}),
        Attempt("POST", "/team/member_add", {"team_id": team, "member": member}),
        Attempt("POST", "/team/bulk_member_add", {"team_id": team, "members": [member]}),
        Attempt("POST", "/team/member_update", {"team_id": team, "user_id": user, "role": "admin"}),
        Attempt("POST", "/team/member_delete", {"team_id": team, "user_id": user}),
        Attempt("POST", f"/team/{team}/member/{user}/reset_spend", {}),
        Attempt("POST", "/team/model/add", {"team_id": team, "models": ["m"]}),
        Attempt("POST", "/team/model/delete", {"team_id": team, "models": ["m"]}),
        Attempt(
            "POST", "/team/permissions_update", {"team_id": team, "team_member_permissions": []}
        ),
        Attempt("GET", "/team/permissions_list", {"team_id": team}),
        Attempt("GET", "/team/info", {"team_id": team}),
        Attempt("GET", "/team/list", {"user_id": user}),
    ]


def attempts_at_organizations(house: Json) -> list[Attempt]:
    org, user = house["org"], house["user"]
    return [
        Attempt("PATCH", "/organization/update", {"organization_id": org, "metadata": {}}),
        Attempt("GET", "/organization/info", {"organization_id": org}),
        Attempt(
            "POST",
            "/organization/member_add",
            {"organization_id": org, "member": {"role": "org_admin", "user_id": user}},
        ),
        Attempt(
            "PATCH",
            "/organization/member_update",
            {"organization_id": org, "user_id": user, "role": "org_admin"},
        ),
        Attempt("DELETE", "/organization/member_delete", {"organization_id": org, "user_id": user}),
        Attempt("POST", "/user/new", {"organizations": [org]}),
    ]


def attempts_at_reports(house: Json) -> list[Attempt]:
    team, org, user, key = house["team"], house["org"], house["user"], house["key"]
    return [
        Attempt("GET", "/spend/logs", {"user_id": user}),
        Attempt("GET", "/key/spend/report", {"api_key": key}),
        Attempt("GET", "/user/spend/report", {"internal_user_id": user}),
        Attempt("GET", "/team/spend/report", {"team_id": team}),
        Attempt("GET", "/organization/spend/report", {"organization_id": org}),
        Attempt("GET", "/team/spend/by_user", {"team_ids": team}),
        Attempt("GET", "/user/daily/activity/aggregated", {"user_id": user}),
        Attempt("GET", "/team/daily/activity/aggregated", {"team_ids": team}),
    ]


def attempts_at_settings(house: Json) -> list[Attempt]:
    team = house["team"]
    return [
        Attempt("GET", f"/team/{team}/members/me", None),
        Attempt("GET", f"/team/{team}/callback", None),
        Attempt("POST", f"/team/{team}/callback", {"callback_name": "c", "callback_vars": {}}),
        Attempt("DELETE", f"/team/{team}/callback/c", None),
        Attempt("POST", f"/team/{team}/disable_logging", None),
        Attempt(
            "POST",
            "/model/new",
            {
                "model_name": "m",
                "litellm_params": {"model": "openai/m", "api_key": "sk-x"},
                "model_info": {"team_id": team},
            },
        ),
        Attempt("POST", "/key/regenerate", {"new_master_key": "sk-another-master-key-00"}),
    ]
