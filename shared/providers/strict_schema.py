"""A JSON schema for those who hold a model to it word by word: Claude, here and on Bedrock.

They answer 400 to what they cannot hold to (lengths, sizes, patterns) and to an open object. By
platform.claude.com/docs/en/build-with-claude/structured-outputs (JSON Schema limitations) and
`transform_schema` of Anthropic's SDK 2.12, which tells the model the rest in words, read 2026-11.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.reading import text

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

_LISTS: Final = frozenset({"anyOf", "oneOf", "allOf"})
_NAMED: Final = frozenset({"properties", "$defs", "definitions"})
_KEPT: Final = frozenset(
    {
        *("type", "description", "title", "enum", "const", "default", "$ref", "required"),
        *("items", "additionalProperties", *_LISTS, *_NAMED),
    }
)
_RENAMED: Final = {"oneOf": "anyOf"}
_FORMATS: Final = frozenset(
    {
        *("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6"),
        "uuid",
    }
)
_DEEPEST: Final = 64


def fitted(schema: JsonObject, depth: int = 0) -> JsonObject:
    """Return the schema with every object closed, and in words what cannot be held to."""
    if depth > _DEEPEST:
        return schema
    found: JsonObject = {}
    rest: JsonObject = {}
    for name, value in schema.items():
        if name in _KEPT or _is_held(name, value):
            found[_RENAMED.get(name, name)] = _inner(name, value, depth + 1)
        elif not name.startswith("$"):
            rest[name] = value
    if schema.get("type") == "object" or "properties" in schema:
        found.setdefault("properties", {})
        found["additionalProperties"] = False
    return _told(found, rest)


def _is_held(name: str, value: Json) -> bool:
    """Tell whether a model can be held to it."""
    match name:
        case "format":
            return isinstance(value, str) and value in _FORMATS
        case "minItems":
            return value in (0, 1)
        case _:
            return False


def _inner(name: str, value: Json, depth: int) -> Json:
    """Fit the schemas within a schema."""
    match value:
        case list() if name in _LISTS:
            return [fitted(each, depth) if isinstance(each, dict) else each for each in value]
        case dict() if name in _NAMED:
            return {
                key: fitted(each, depth) if isinstance(each, dict) else each
                for key, each in value.items()
            }
        case dict() if name == "items":
            return fitted(value, depth)
        case _:
            return value


def _told(schema: JsonObject, rest: JsonObject) -> JsonObject:
    """Put what was left out into the description."""
    if not rest:
        return schema
    words = ", ".join(f"{name}: {orjson.dumps(value).decode()}" for name, value in rest.items())
    said = text(schema.get("description"))
    return {**schema, "description": f"{said}\n\n{{{words}}}" if said else f"{{{words}}}"}
