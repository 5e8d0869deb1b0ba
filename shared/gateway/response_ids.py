"""Ids of stored responses as callers see them: where it is stored, and for whom alone.

An id carries the deployment and the provider's own id, in the open, and a mark that only this
gateway can make, for one tenant. Whoever else presents it learns nothing: for them there is no
such response.
"""

from __future__ import annotations

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.errors import BadRequest, NotFound

if TYPE_CHECKING:
    from shared.domain import JsonObject, Principal

PREFIX: Final = "resp_"
MAX_ID: Final = 2048
_MARK_BYTES: Final = 16
_WITH_IDS: Final = frozenset({"response", "response.deleted"})
_PURPOSE: Final = b"response id"


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response at a provider: the deployment that made it, and its id there."""

    deployment_id: str
    response_id: str


def seal(stored: StoredResponse, principal: Principal, secret: str) -> str:
    """Make the id that this principal's tenant, and no other, may come back with."""
    text = f"{stored.deployment_id}\n{stored.response_id}".encode()
    sealed = _mark(text, principal, secret) + text
    return PREFIX + urlsafe_b64encode(sealed).decode().rstrip("=")


def unseal(sealed: str, principal: Principal, secret: str) -> StoredResponse:
    """Read an id back; raise NotFound for one that is none, or another tenant's."""
    if len(sealed) <= MAX_ID and sealed.isascii() and sealed.startswith(PREFIX):
        encoded = sealed.removeprefix(PREFIX)
        try:
            raw = urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except ValueError:
            raw = b""
        mark, text = raw[:_MARK_BYTES], raw[_MARK_BYTES:]
        if hmac.compare_digest(mark, _mark(text, principal, secret)):
            deployment_id, _, response_id = text.decode().partition("\n")
            return StoredResponse(deployment_id, response_id)
    raise NotFound("Response not found: there is none of that id.", param="response_id")


def sealed_ids(
    data: JsonObject, deployment_id: str, principal: Principal, secret: str
) -> JsonObject:
    """Seal the ids in a response object, or in the one that an event carries."""
    response = data.get("response")
    if isinstance(response, dict):
        return {**data, "response": sealed_ids(response, deployment_id, principal, secret)}
    if str(data.get("object")) not in _WITH_IDS:
        return data
    sealed = {
        name: seal(StoredResponse(deployment_id, value), principal, secret)
        for name in ("id", "previous_response_id")
        if isinstance(value := data.get(name), str) and value
    }
    return {**data, **sealed}


def previous(sealed: str, principal: Principal, secret: str) -> StoredResponse:
    """Read a `previous_response_id`; raise BadRequest in OpenAI's words when it is none."""
    try:
        return unseal(sealed, principal, secret)
    except NotFound as error:
        raise BadRequest(
            "Previous response not found: there is none of that id.", param="previous_response_id"
        ) from error


def _mark(text: bytes, principal: Principal, secret: str) -> bytes:
    key = hmac.digest(secret.encode(), _PURPOSE, "sha256")
    return hmac.digest(key, _tenant(principal).encode() + b"\n" + text, "sha256")[:_MARK_BYTES]


def _tenant(principal: Principal) -> str:
    """Tell whose a response is: the team's, else the user's, else the key's own."""
    if principal.team is not None:
        return f"team:{principal.team.entity_id}"
    if principal.user is not None:
        return f"user:{principal.user.entity_id}"
    return f"key:{principal.key.entity_id}"
