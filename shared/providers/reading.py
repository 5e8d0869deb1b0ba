"""Read foreign JSON without trusting it: each reader gives an empty value where another kind is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.providers.failures import malformed

if TYPE_CHECKING:
    from shared.domain import Call, Json, JsonObject


def parsed(body: bytes) -> JsonObject:
    """Read an answer that must be a JSON object; raise ProviderFailed when it is none."""
    try:
        found: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed("is not JSON") from error
    if not isinstance(found, dict):
        raise malformed("is not a JSON object")
    return found


def mapping(value: Json) -> JsonObject:
    """Read an object."""
    return value if isinstance(value, dict) else {}


def mappings(value: Json) -> list[JsonObject]:
    """Read a list of objects; what is none is left out."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def text(value: Json) -> str:
    """Read a string."""
    return value if isinstance(value, str) else ""


def without_nulls(values: JsonObject) -> JsonObject:
    """Leave out what is null."""
    return {name: value for name, value in values.items() if value is not None}


def created_of(call: Call) -> int:
    """Tell when a call came in, in seconds: its id is a UUIDv7 and begins with the time."""
    try:
        return int(call.id.replace("-", "")[:12], 16) // 1000
    except ValueError:
        return 0
