"""Models of a team alone: its admins bring their own keys for them, and reach no others.

LiteLLM keeps such a deployment under a name of its own and what the team calls it in
`model_info.team_public_model_name`. Only that team's keys are routed to it, whatever its list says.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

from shared.config.sections import REFERENCE
from shared.errors import BadRequest, NotFound, NotPermitted
from shared.storage.admin_teams import find_team

if TYPE_CHECKING:
    from shared.admin.caller import Caller
    from shared.domain import Json, JsonObject
    from shared.storage.postgres import Runs
    from shared.wire.admin_models import ModelRow

TEAM_ID: Final = "team_id"
PUBLIC_NAME: Final = "team_public_model_name"
CREDENTIAL: Final = "litellm_credential_name"
KEY: Final = "api_key"

_SAFE: Final = frozenset(
    {
        *("rpm", "tpm", "weight", "order", "tags", "timeout", "stream_timeout", "drop_params"),
        *("max_parallel_requests", "cooldown_time"),
    }
)
"""Parameters that do not say where the deployment's key is sent."""

_LEADING: Final = frozenset(
    {"model", KEY, "api_base", "base_url", "api_version", "custom_llm_provider", "organization"}
)
_OF_THE_GATEWAY: Final = frozenset({"bedrock", "vertex_ai", "vertex_ai_beta", "sagemaker"})
"""Vendors that may be called with the identity the gateway itself runs under."""


async def check_team(db: Runs, caller: Caller, info: JsonObject) -> None:
    """Raise unless a deployment with this `model_info` is the caller's to make."""
    team_id = info.get(TEAM_ID)
    if team_id is None:
        if not caller.is_admin:
            raise NotPermitted(
                "Name a team that you are an admin of: model_info.team_id.",
                param="model_info.team_id",
            )
        return
    if not isinstance(team_id, str):
        raise BadRequest("model_info.team_id must be the id of a team.", param="model_info.team_id")
    if not caller.is_admin and not caller.runs_team(team_id):
        raise NotPermitted(
            f"You are not an admin of this team. Requested team={team_id}",
            param="model_info.team_id",
        )
    if await find_team(db, team_id) is None:
        raise BadRequest(f"Team id={team_id} does not exist in db", param="model_info.team_id")


def check_own(caller: Caller, row: ModelRow) -> None:
    """Raise NotFound unless a deployment that exists is the caller's to change."""
    team_id = row.model_info.get(TEAM_ID)
    if caller.is_admin or (isinstance(team_id, str) and caller.runs_team(team_id)):
        return
    # The same words as for one that is not there.
    raise NotFound(f"Model with id {row.model_id} not found.", param="id")


def check_brought(caller: Caller, sent: JsonObject, after: JsonObject, *, is_new: bool) -> None:
    """Raise NotPermitted where somebody below the proxy's admin would use a key that is not theirs.

    Neither the proxy's environment nor its credentials are theirs; and a key that lies sealed in
    the deployment, perhaps another's, goes nowhere else than where it was meant for.
    """
    if caller.is_admin:
        return
    if sent.get(CREDENTIAL) is not None:
        raise NotPermitted("Only a proxy admin can attach a stored credential.", param=CREDENTIAL)
    if unknown := [n for n in sent if n not in _SAFE | _LEADING and "cost" not in n]:
        raise NotPermitted(f"Only a proxy admin can set {unknown[0]}.", param="litellm_params")
    vendor = str(after.get("custom_llm_provider") or str(after.get("model")).partition("/")[0])
    if vendor in _OF_THE_GATEWAY:
        raise NotPermitted(f"Only a proxy admin can use {vendor}.", param="litellm_params.model")
    if any(_refers(value) for value in sent.values()):
        raise NotPermitted(
            f"Only a proxy admin can refer to the environment ({REFERENCE}…).",
            param="litellm_params",
        )
    leads_elsewhere = not _LEADING.isdisjoint(sent)
    if (is_new or leads_elsewhere) and not sent.get(KEY):
        raise NotPermitted("Bring the provider's key: litellm_params.api_key.", param=KEY)
    if not after.get(KEY):
        raise NotPermitted("A team's model must keep a key of its own.", param=KEY)


def named(name: str, info: JsonObject) -> tuple[str, JsonObject]:
    """Return the name and `model_info` that a deployment is kept under."""
    team_id = info.get(TEAM_ID)
    if not isinstance(team_id, str):
        return name, info
    return f"model_name_{team_id}_{uuid.uuid4()}", {**info, PUBLIC_NAME: name}


def renamed(row: ModelRow, name: str | None, info: JsonObject) -> tuple[str, JsonObject]:
    """Return the same for one that is given another name, or another team."""
    team_before, team_after = row.model_info.get(TEAM_ID), info.get(TEAM_ID)
    public = row.model_info.get(PUBLIC_NAME)
    called = name or (public if isinstance(public, str) else row.model_name)
    if team_after is None:
        return called, {k: v for k, v in info.items() if k != PUBLIC_NAME}
    if team_after != team_before:
        return named(called, info)
    return row.model_name, {**info, PUBLIC_NAME: called}


def _refers(value: Json) -> bool:
    match value:
        case str():
            return value.startswith(REFERENCE)
        case list():
            return any(map(_refers, value))
        case dict():
            return any(map(_refers, value.values()))
        case _:
            return False
