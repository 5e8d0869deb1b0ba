"""A request to a vendor's own API, checked: where it may lead, and which model it is about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Call, Endpoint, Passing
from shared.errors import BadRequest
from shared.wire.checks import Unfit, name
from shared.wire.request_fields import RequestFields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject

NO_MODEL: Final = "*"
"""What a call without a model is about, as far as access goes: all the provider's models."""

# As it came, percent-encoded. No dot segments, encoded ones either, and no second host.
_PATH: Final = re.compile(r"(/[A-Za-z0-9._~!$&'()*+,;=:@%-]+)+/?")
_CLIMBS: Final = re.compile(r"(^|/)(\.|%2e){1,2}(/|$)|%2f|%5c|%00|%25", re.IGNORECASE)
_QUERY: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/?\[\]-]{0,4096}")
_IN_PATH: Final = re.compile(r"/(?:models|deployments|model)/([^/:]+)")
_KEY_IN_QUERY: Final = re.compile(r"(^|&)(key|api[_-]?key)=[^&]*", re.IGNORECASE)


def parse_passing(
    provider: str,
    passing: Passing,
    headers: Mapping[str, str],
    *,
    id: str,  # noqa: A002 - the name of the field in Call
    requester_ip: str | None,
) -> Call:
    """Make a call of a request that is passed through; raise BadRequest for a path that strays.

    `headers` say for whom it is and by what it is found; of the body only whom it names is read.
    """
    if not _PATH.fullmatch(passing.path) or _CLIMBS.search(passing.path):
        raise BadRequest("The path does not lead to the provider's API.", param="path")
    if not _QUERY.fullmatch(passing.query):
        raise BadRequest("The query is not percent-encoded.", param="query")
    body = _body(passing.content)
    named = body.get("model")
    in_path = _IN_PATH.search(passing.path)
    model = named if isinstance(named, str) else in_path.group(1) if in_path else NO_MODEL
    if not 0 < len(model) <= 255 or not model.isprintable():  # noqa: PLR2004 - as in checks.name
        raise BadRequest("The model's name must have 1 to 255 printable characters.", param="model")
    fields = RequestFields(f"/{provider}{passing.path}", _naming(body), headers)
    return Call(
        id=id,
        endpoint=Endpoint.PASS_THROUGH,
        model=model,
        body=body,
        sent=body,
        is_stream=body.get("stream") is True or ":stream" in passing.path,
        end_user=fields.end_user({}),
        tags=fields.tags({}),
        trace=fields.trace({}),
        num_retries=0,
        disable_fallbacks=True,
        requester_ip=requester_ip,
        provider=provider,
        passing=Passing(
            passing.method,
            passing.path,
            _KEY_IN_QUERY.sub("", passing.query).lstrip("&"),
            passing.headers,
            passing.content,
        ),
    )


def _naming(body: JsonObject) -> JsonObject:
    """Take whom a body names, where it means that by OpenAI's word for it."""
    try:
        return {"user": name(body.get("user"))}
    except Unfit:
        return {}


def _body(content: bytes) -> JsonObject:
    try:
        parsed: Json = orjson.loads(content) if content else None
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
