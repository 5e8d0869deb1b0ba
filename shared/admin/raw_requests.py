"""What a vendor would be sent for a request, without sending it and without what opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, cast
from urllib.parse import urlsplit

import orjson

from shared.admin.model_reads import view_of
from shared.auth.visibility import may_see
from shared.domain import Call, Endpoint
from shared.errors import BadRequest, NotPermitted, UnknownModel
from shared.providers.registry import request_for
from shared.routing.groups import deployments_of
from shared.spend.ids import uuid7
from shared.wire.admin_checkups import RawRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.admin.desk import Desk
    from shared.domain import Deployment, HttpRequest, JsonObject, Millis, Principal
    from shared.wire.admin_checkups import TransformRequest

ROUTE: Final = "/utils/transform_request"
_ENDPOINTS: Final[Mapping[str, Endpoint]] = {
    "completion": Endpoint.CHAT,
    "text_completion": Endpoint.COMPLETION,
    "embedding": Endpoint.EMBEDDING,
    "moderation": Endpoint.MODERATION,
    "rerank": Endpoint.RERANK,
    "responses": Endpoint.RESPONSES,
    "anthropic_messages": Endpoint.MESSAGES,
}
_PLAIN_HEADERS: Final = frozenset({"accept", "anthropic-beta", "anthropic-version", "content-type"})


def raw_request(
    desk: Desk, principal: Principal, request: TransformRequest, now: Millis, *, with_place: bool
) -> RawRequest:
    """Translate a request for the first deployment of its model; raise BadRequest as a call would.

    Where that deployment is, is told to admins alone.
    """
    body: JsonObject = request.request_body
    model = body.get("model")
    if not isinstance(model, str):
        raise BadRequest(f"{ROUTE}: Missing required parameter: 'model'.", param="model")
    deployment = _deployment(desk, principal, model)
    name = request.call_type
    call = Call(
        id=uuid7(now),
        endpoint=_ENDPOINTS[name] if name in _ENDPOINTS else _ENDPOINTS[name[1:]],
        model=model,
        body={**body, "model": deployment.model},
        is_stream=body.get("stream") is True,
    )
    return _shown(request_for(call, deployment), with_place=with_place)


def _deployment(desk: Desk, principal: Principal, model: str) -> Deployment:
    config, principal = view_of(desk.live.current, principal)
    deployments = deployments_of(config, model)
    if not deployments:
        raise UnknownModel(model, ROUTE)
    if not may_see(principal, model, config.groups.get(model, tuple(deployments))):
        raise NotPermitted(f"key not allowed to access model {model}", param="model")
    return deployments[0]


def _shown(request: HttpRequest, *, with_place: bool) -> RawRequest:
    place = urlsplit(request.url)
    return RawRequest(
        raw_request_api_base=f"{place.scheme}://{place.netloc}{place.path}" if with_place else None,
        # A dialect that sends JSON sends an object.
        raw_request_body=cast("JsonObject", orjson.loads(request.body)) if request.body else None,
        raw_request_headers={
            name: value if name.lower() in _PLAIN_HEADERS else "****"
            for name, value in request.headers.items()
        },
    )
