"""A request's bytes become one JSON object here, or a 400 that says what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from shared.errors import BadRequest

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject

MAX_DEPTH = 64

_PARAM = "request_body"
_ESCAPED_NUL = b"\\u0000"


def parse_object(raw: bytes) -> JsonObject:
    """Parse a body strictly: one object, finite numbers, clean strings, at most 64 levels deep.

    Of duplicate keys the last one wins. Raise BadRequest otherwise.
    """
    body = _parse(raw)
    if not isinstance(body, dict):
        raise BadRequest("The request body must be a JSON object.", param=_PARAM)
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _check_depth(body)
    # orjson refuses raw control characters: only the escape can bring a NUL, and it may also be
    # the harmless text `\\u0000`, so the strings themselves are looked at.
    if _ESCAPED_NUL in raw:
        _check_strings(body)
    return body


def _parse(raw: bytes) -> Json:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"Invalid JSON in the request body: {error}", param=_PARAM) from error


def _check_depth(body: JsonObject) -> None:
    # One plain comprehension a level: on a large body this is half of what reading it costs.
    level: list[JsonObject | list[Json]] = [body]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return
    raise BadRequest(f"The request body is nested deeper than {MAX_DEPTH} levels.", param=_PARAM)


def _check_strings(value: Json) -> None:
    match value:
        case str():
            if "\0" in value:
                raise BadRequest("The request body holds a NUL character.", param=_PARAM)
        case list():
            for inner in value:
                _check_strings(inner)
        case dict():
            for key, inner in value.items():
                _check_strings(key)
                _check_strings(inner)
        case _:
            return
