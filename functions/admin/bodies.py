"""Bodies in and out: strict JSON to a model, models to JSON with exact money."""

from __future__ import annotations

from collections.abc import ItemsView, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import orjson
from pydantic import BaseModel, JsonValue, ValidationError
from starlette.responses import Response

from shared.runtime.http import invalid_request, read_body
from shared.wire.bodies import parse_object

if TYPE_CHECKING:
    from starlette.requests import Request

    from shared.wire.admin_fields import AdminRequest

Asked = TypeVar("Asked", bound="AdminRequest")

Shown = BaseModel | Mapping[str, object] | Sequence[object] | str | int


async def asked(request: Request, model: type[Asked]) -> Asked:
    """Read a request's body as `model`; raise BadRequest naming the field that is wrong."""
    body = parse_object(await read_body(request))
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise invalid_request(error.errors(include_url=False, include_input=False)) from error


def shown(content: Shown, status: int = 200) -> Response:
    """Render an answer; money is a plain number with every digit it has."""
    raw = orjson.dumps(content, default=_plain, option=orjson.OPT_UTC_Z)
    return Response(raw, status, media_type="application/json")


def documented(model: type[AdminRequest]) -> dict[str, object]:
    """Describe a body to OpenAPI, which does not see a route read it."""
    return _Documented(model)


class _Documented(dict[str, object]):
    """What FastAPI adds to an operation: the body's schema, made when somebody reads it."""

    def __init__(self, model: type[AdminRequest]) -> None:
        super().__init__(requestBody=model)
        self._model = model

    def items(self) -> ItemsView[str, object]:  # pyright: ignore[reportIncompatibleMethodOverride] - dict's own has no public name
        """Describe the body; only who asks for the document pays for its schema."""
        schema = self._model.model_json_schema(ref_template="{model}")
        content = {"application/json": {"schema": _inlined(schema, schema.pop("$defs", {}))}}
        return {"requestBody": {"required": True, "content": content}}.items()


def _inlined(schema: JsonValue, models: Mapping[str, JsonValue]) -> JsonValue:
    """Put every model where it is referred to: a route's own schema has no room for names."""
    match schema:
        case {"$ref": str(name)}:
            return _inlined(models[name], models)
        case dict():
            return {key: _inlined(value, models) for key, value in schema.items()}
        case list():
            return [_inlined(value, models) for value in schema]
        case _:
            return schema


def _plain(value: object) -> object:
    match value:
        case BaseModel():
            return value.model_dump(by_alias=True)
        case Decimal():
            return orjson.Fragment(format(value.normalize(), "f"))
        case _:
            raise TypeError(type(value).__name__)
