"""Google's own kind of schema (OpenAPI's, types in capitals) as JSON Schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

_NAMED: Final = frozenset({"properties", "defs", "$defs"})
_LEFT_OUT: Final = frozenset({"nullable", "propertyOrdering", "property_ordering"})
_SPELT: Final = {
    "anyOf": "anyOf",
    "any_of": "anyOf",
    "minItems": "minItems",
    "min_items": "minItems",
    "maxItems": "maxItems",
    "max_items": "maxItems",
    "minLength": "minLength",
    "min_length": "minLength",
    "maxLength": "maxLength",
    "max_length": "maxLength",
    "minProperties": "minProperties",
    "min_properties": "minProperties",
    "maxProperties": "maxProperties",
    "max_properties": "maxProperties",
}
_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)


def json_schema(given: JsonObject) -> JsonObject:
    """Translate a schema with all that lies within it.

    By ai.google.dev/api/caching#Schema, read 2026-11: `nullable` instead of a type `null`, and
    counts as text, since they are 64-bit numbers.
    """
    made: JsonObject = {}
    for name, value in given.items():
        spelt = _SPELT.get(name, name)
        if name not in _LEFT_OUT:
            made[spelt] = _translated(spelt, value)
    kind = made.get("type")
    if given.get("nullable") is True and isinstance(kind, str):
        made["type"] = [kind, "null"]
    return made


def _translated(name: str, value: Json) -> Json:
    match value:
        case str() if name == "type":
            return value.lower()
        case str() if name in _COUNTS and value.isdecimal():
            return int(value[:18])
        case dict() if name in _NAMED:
            return {k: json_schema(v) if isinstance(v, dict) else v for k, v in value.items()}
        case dict():
            return json_schema(value)
        case list() if name == "anyOf":
            return [json_schema(one) if isinstance(one, dict) else one for one in value]
        case _:
            return value
