"""What the fields of the endpoints beside text must be, and how a form becomes a body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Endpoint
from shared.errors import BadRequest
from shared.wire import checks
from shared.wire.checks import Unfit, listed, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.domain import Json, JsonObject
    from shared.wire.multipart import Form

    Check = Callable[[Json], object]

USUAL_MODERATION_MODEL: Final = "omni-moderation-latest"
FORMS: Final[Mapping[Endpoint, tuple[str, ...]]] = {
    Endpoint.IMAGE_EDIT: ("image", "image[]"),
    Endpoint.TRANSCRIPTION: ("file",),
}
"""Endpoints that take forms, and the file that must be there under one of these names."""

MAX_IMAGES: Final = 10
MAX_DOCUMENTS: Final = 10_000


def _unstreamed(value: Json) -> None:
    if value not in (None, False, "false", "audio"):
        raise Unfit("is not supported on this endpoint")


_DOCUMENT: Final = checks.either(checks.text, checks.mapping)
_TEXTS: Final = checks.either(
    checks.text, listed(checks.either(checks.text, checks.mapping), least=1)
)

REQUIRED: Final[Mapping[Endpoint, Mapping[str, Check]]] = {
    Endpoint.MODERATION: {"input": _TEXTS},
    Endpoint.RERANK: {
        "model": checks.name,
        "query": checks.text,
        "documents": listed(_DOCUMENT, least=1, most=MAX_DOCUMENTS),
    },
    Endpoint.IMAGE: {"model": checks.name, "prompt": checks.text},
    Endpoint.IMAGE_EDIT: {"model": checks.name, "prompt": checks.text},
    Endpoint.SPEECH: {
        "model": checks.name,
        "input": checks.text,
        "voice": checks.either(checks.text, checks.mapping),
    },
    Endpoint.TRANSCRIPTION: {"model": checks.name},
}

_IMAGES: Final[Mapping[str, Check]] = {"n": whole(1, MAX_IMAGES), "stream": _unstreamed}

OPTIONAL: Final[Mapping[Endpoint, Mapping[str, Check]]] = {
    Endpoint.MODERATION: {"model": checks.name},
    Endpoint.RERANK: {"top_n": whole(1, MAX_DOCUMENTS)},
    Endpoint.IMAGE: _IMAGES,
    Endpoint.IMAGE_EDIT: _IMAGES,
    Endpoint.SPEECH: {"response_format": checks.text, "stream_format": _unstreamed},
    Endpoint.TRANSCRIPTION: {"response_format": checks.text, "stream": _unstreamed},
}


def form_body(endpoint: Endpoint, form: Form) -> JsonObject:
    """Return a form's fields as a body; raise BadRequest when its file is missing."""
    names = FORMS[endpoint]
    if not any(upload.name in names for upload in form.uploads):
        raise BadRequest(f"Missing required parameter: '{names[0]}'.", param=names[0])
    body = {**form.fields}
    for field in ("n", "metadata", "tags"):
        if isinstance(value := body.get(field), str):
            body[field] = _typed(value)
    return body


def _typed(text: str) -> Json:
    """Read what a form can only say as text."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
