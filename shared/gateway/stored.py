"""Ask a provider about a response it has stored. That is free: it takes no room and has no row."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

import orjson

from shared.auth.authenticate import identify
from shared.auth.keys import presented_key
from shared.domain import HttpRequest
from shared.errors import NotFound, TransportFailed
from shared.gateway.asking import ERROR_CAP, REPLY_CAP, in_callers_terms
from shared.gateway.permitting import permit
from shared.gateway.response_ids import sealed_ids, unseal
from shared.providers.failures import failure, malformed
from shared.providers.openai import OpenAI
from shared.providers.registry import knows_responses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Deployment, Json, JsonObject
    from shared.gateway.gateway import Gateway

ROUTE: Final = "/responses"
_QUERY: Final = frozenset({"after", "before", "include", "include[]", "limit", "order"})
_ERROR: Final = 400


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request about one response: `/cancel`, `/input_items` or nothing follows its id."""

    method: str
    response_id: str
    tail: str = ""
    query: Mapping[str, str] = field(default_factory=dict[str, str])


async def ask_stored(
    gateway: Gateway, headers: Mapping[str, str], asked: StoredRequest
) -> JsonObject:
    """Return what the provider says; raise NotFound unless the response is this tenant's."""
    gateway = await gateway.refreshed()
    now = gateway.clock.now()
    presented = presented_key(headers, gateway.config.general.key_header_name)
    principal = await identify(presented, gateway.directory, gateway.settings, now, fresh=True)
    secret = gateway.settings.master_key
    stored = unseal(asked.response_id, principal, secret)
    deployment = gateway.config.by_id.get(stored.deployment_id)
    if deployment is None or not knows_responses(deployment.provider):
        raise NotFound("Response not found: it was not stored.", param="response_id")
    permit(gateway, principal, [deployment.model_group], ROUTE, [deployment])
    answer = await _ask(gateway, deployment, stored.response_id, asked)
    if "model" in answer:
        answer["model"] = deployment.model_group
    return sealed_ids(answer, deployment.id, principal, secret)


async def _ask(
    gateway: Gateway, deployment: Deployment, response_id: str, asked: StoredRequest
) -> JsonObject:
    dialect = OpenAI()
    query = urlencode({name: value for name, value in asked.query.items() if name in _QUERY})
    path = f"{ROUTE}/{quote(response_id, safe='')}{asked.tail}" + (f"?{query}" if query else "")
    request = HttpRequest(asked.method, dialect.url(deployment, path), dialect.headers(deployment))
    try:
        response = await gateway.stores.http.send(request, deployment.timeouts)
        if response.status >= _ERROR:
            raise failure(response.status, response.headers, await response.read(ERROR_CAP))
        body = await response.read(REPLY_CAP)
    except TransportFailed as error:
        raise in_callers_terms(error) from error
    return _object(body)


def _object(body: bytes) -> JsonObject:
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed("is not JSON") from error
    if not isinstance(parsed, dict):
        raise malformed("is not a JSON object")
    return parsed
