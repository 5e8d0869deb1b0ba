"""OpenAI's endpoints beside text: moderations, rerank, images, speech and transcription.

What is billed there is counted in images, characters, seconds or searches where a vendor does not
tell tokens.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import orjson

from shared.domain import Endpoint, Usage
from shared.providers.dialect import Reply
from shared.providers.failures import failure_inside, malformed
from shared.providers.usage import usage_of
from shared.wire.multipart import render_form

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Call, Json, JsonObject

PATHS: Final[Mapping[Endpoint, str]] = {
    Endpoint.MODERATION: "/moderations",
    Endpoint.RERANK: "/rerank",
    Endpoint.IMAGE: "/images/generations",
    Endpoint.IMAGE_EDIT: "/images/edits",
    Endpoint.SPEECH: "/audio/speech",
    Endpoint.TRANSCRIPTION: "/audio/transcriptions",
}
_FORMS: Final = frozenset({Endpoint.IMAGE_EDIT, Endpoint.TRANSCRIPTION})
_CONTENT: Final[Mapping[Endpoint, tuple[str, ...]]] = {
    Endpoint.MODERATION: ("results",),
    Endpoint.RERANK: ("results", "data"),
    Endpoint.IMAGE: ("data",),
    Endpoint.IMAGE_EDIT: ("data",),
    Endpoint.TRANSCRIPTION: ("text",),
}
_SOUNDS: Final = {
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_TEXT_FORMATS: Final = frozenset({"text", "srt", "vtt"})

CHARACTERS_PER_SECOND: Final = 15
"""How fast a voice reads: for models billed by the second that do not tell seconds."""
BYTES_PER_SECOND: Final = 16_000
"""Of common recordings (128 kbit/s): for transcripts that do not tell how long the sound was."""


def media_body(call: Call, model: str) -> tuple[str, bytes]:
    """Write the content type and the body of a request."""
    body: JsonObject = {**call.body, "model": model}
    if call.endpoint in _FORMS:
        return render_form(body, call.uploads, f"form-{call.id}")
    return "application/json", orjson.dumps(body)


def media_reply(call: Call, body: bytes) -> Reply:
    """Read a whole answer; sound and plain transcripts are passed on as they are."""
    if call.endpoint is Endpoint.SPEECH:
        kind = _SOUNDS.get(str(call.body.get("response_format")), "audio/mpeg")
        return Reply({}, _spoken(call), None, raw=body, media_type=kind)
    if str(call.body.get("response_format")) in _TEXT_FORMATS:
        return Reply({}, _heard(call, {}), None, raw=body, media_type="text/plain; charset=utf-8")
    parsed = _object(body)
    if parsed.get("error"):
        raise failure_inside(parsed)
    if not any(name in parsed for name in _CONTENT[call.endpoint]):
        raise malformed(f"has no `{_CONTENT[call.endpoint][0]}`")
    found = parsed.get("id")
    return Reply(parsed, _usage(call, parsed), found if isinstance(found, str) else None)


def _usage(call: Call, body: JsonObject) -> Usage | None:
    told = usage_of(body)
    match call.endpoint:
        case Endpoint.RERANK:
            return replace(told or Usage(), queries=_searches(body))
        case Endpoint.IMAGE | Endpoint.IMAGE_EDIT:
            made = body.get("data")
            images = len(made) if isinstance(made, list) else 0
            usage = told or Usage()
            return replace(
                usage,
                images=images,
                drawn_tokens=usage.drawn_tokens or usage.completion_tokens,
            )
        case Endpoint.TRANSCRIPTION:
            return told or _heard(call, body)
        case _:
            return told


def _searches(body: JsonObject) -> int:
    """Count what Cohere bills: a query with up to 100 documents is one search."""
    return int(_count(body, "meta", "billed_units", "search_units")) or 1


def _heard(call: Call, body: JsonObject) -> Usage:
    seconds = _count(body, "usage", "seconds") or _count(body, "duration")
    if seconds:
        return Usage(milliseconds=round(seconds * 1000))
    sent = sum(len(upload.content) for upload in call.uploads)
    return Usage(milliseconds=sent * 1000 // BYTES_PER_SECOND, is_estimated=True)


def _spoken(call: Call) -> Usage:
    text = call.body.get("input")
    characters = len(text) if isinstance(text, str) else 0
    return Usage(
        prompt_tokens=-(-characters // 4),
        characters=characters,
        milliseconds=characters * 1000 // CHARACTERS_PER_SECOND,
        is_estimated=True,
    )


def _count(body: JsonObject, *path: str) -> float:
    value: Json = body
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return value if 0 < value < _LARGEST else 0


_LARGEST: Final = 1_000_000_000


def _object(body: bytes) -> JsonObject:
    try:
        parsed: Json = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed("is not JSON") from error
    if not isinstance(parsed, dict):
        raise malformed("is not a JSON object")
    return parsed
