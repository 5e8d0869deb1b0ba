"""Call a deployment that is not kept, as it would be called if it were: to try out before adding.

It is judged and reached like one that is made over the API, so nothing can be tried here that could
not be added: no address of the inside, no reference to the environment, no key of the process.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from shared.admin.checkups import can_be_called, checked
from shared.admin.given_secrets import check_params, check_references
from shared.config.live import find_overlay
from shared.config.overlay import ENVIRONMENT
from shared.errors import BadRequest
from shared.routing.groups import deployments_of
from shared.wire.admin_checkups import ConnectionReply

if TYPE_CHECKING:
    from shared.admin.desk import Desk
    from shared.domain import Deployment, JsonObject, Millis
    from shared.wire.admin_checkups import TestConnection

_TOLD_AT_MOST: Final = 5


async def test_connection(desk: Desk, request: TestConnection, now: Millis) -> ConnectionReply:
    """Call what the request describes with the least that it answers."""
    known = _known(desk, request)
    is_known = known is not None and not _differs(known, request.litellm_params)
    deployment = known if known and is_known else await _described(desk, request, known)
    deployment = replace(deployment, mode=request.mode or deployment.mode)
    if not can_be_called(deployment):
        raise BadRequest(
            "Only a chat, completion, embedding, moderation or rerank can be tried out; "
            "say which by `mode`, and name a model without *.",
            param="mode",
        )
    found = await checked(desk, deployment, now)
    return ConnectionReply(status="success" if found.error is None else "error", result=found)


def _known(desk: Desk, request: TestConnection) -> Deployment | None:
    """Return the deployment that is meant, by its id, its model group or its vendor's model."""
    config = desk.live.current
    model_id, model = (request.model_info or {}).get("id"), request.litellm_params.get("model")
    if isinstance(model_id, str) and model_id in config.by_id:
        return config.by_id[model_id]
    if not isinstance(model, str):
        return None
    alike = [d for d in config.deployments if f"{d.provider}/{d.model}" == model]
    found = [*(deployments_of(config, model) if model in config.groups else ()), *alike]
    return found[0] if found else None


def _differs(known: Deployment, params: JsonObject) -> bool:
    """Say whether a request names another place or key: numbers and switches change neither."""
    seen = {
        "model": {known.model_group, known.model, f"{known.provider}/{known.model}"},
        "custom_llm_provider": {known.provider},
        "api_base": {known.api_base},
    }
    texts = {name: value for name, value in params.items() if isinstance(value, str) and value}
    return any(value not in seen.get(name, ()) for name, value in texts.items())


async def _described(desk: Desk, request: TestConnection, known: Deployment | None) -> Deployment:
    """Read the deployment that a request describes as if it were to be added."""
    params = dict(request.litellm_params)
    if known is not None and params.get("model") == known.model_group:
        params["model"] = f"{known.provider}/{known.model}"
    overlay = await find_overlay(desk.stores.postgres)
    variables = overlay.sections.get(ENVIRONMENT, {})
    check_params(params, variables)
    info = {k: v for k, v in (request.model_info or {}).items() if k not in ("id", "team_id")}
    check_references(info, variables)
    model_id = str(uuid.uuid4())
    row: JsonObject = {
        "model_id": model_id,
        "model_name": f"test-connection-{model_id}",
        "litellm_params": params,
        "model_info": info,
    }
    _, before = desk.live.read(overlay)
    config, problems = desk.live.read(replace(overlay, models=(*overlay.models, row)))
    new = [str(problem) for problem in problems if problem not in before]
    if new:
        reasons = "; ".join(new[:_TOLD_AT_MOST])
        raise BadRequest(f"No such deployment can be called: {reasons}", param="litellm_params")
    return config.by_id[model_id]
