"""One OpenAPI document for both apps: how to call, what comes back, and how it can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from fastapi.openapi.utils import get_openapi

from functions.admin.caller import admit
from functions.admin.documented import whole
from functions.admin.examples import EXAMPLES
from shared.wire.llm_openapi import llm_paths

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI
    from fastapi.routing import APIRoute

# An OpenAPI document is any JSON.
Document = dict[str, Any]

_ERROR: Final[Document] = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
        }
    },
}
_FAILURE: Final[Document] = {
    "description": "Why not, in LiteLLM's shape.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}
_NEVER_SHOWN: Final = frozenset({"budget_started_at"})
"""Fields of an answer's model that are for us alone."""

_DESCRIPTION: Final = (
    "Send a key as `Authorization: Bearer sk-…`. Calls of models take virtual keys; management "
    "takes the master key or the key of a user, as far as their role reaches."
)


def document_of(app: FastAPI) -> Document:
    """Build the document once; FastAPI asks for it at `/openapi.json` and `/docs`."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description=_DESCRIPTION,
            routes=whole(app.routes),
            # Answers are told as they are read: money is a number in them, not pydantic's text.
            separate_input_output_schemas=False,
        )
        document["paths"] |= llm_paths()
        components = document.setdefault("components", {})
        for schema in components.setdefault("schemas", {}).values():
            _leave_out(schema, _NEVER_SHOWN)
        components["schemas"]["Error"] = _ERROR
        components["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        public = {
            route.path
            for route in cast("list[APIRoute]", app.routes)
            if hasattr(route, "dependant")
            and admit not in [each.call for each in route.dependant.dependencies]
        }
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                _complete(operation, is_public=path in public)
                _illustrate(operation, EXAMPLES.get(f"{method.upper()} {path}"))
        app.openapi_schema = document
    return app.openapi_schema


def _illustrate(operation: Document, example: Mapping[str, object] | None) -> None:
    if example is not None:
        operation["requestBody"]["content"]["application/json"]["example"] = dict(example)


def _leave_out(schema: Document, names: frozenset[str]) -> None:
    for name in names & schema.get("properties", {}).keys():
        del schema["properties"][name]
        schema["required"] = [each for each in schema.get("required", []) if each != name]


def _complete(operation: Document, *, is_public: bool) -> None:
    responses: Document = operation["responses"]
    # FastAPI's own shape of a 422, which never leaves this app.
    responses.pop("422", None)
    responses |= {"4XX": _FAILURE, "5XX": _FAILURE}
    if not is_public:
        operation["security"] = [{"key": []}]
