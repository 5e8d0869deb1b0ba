"""A chat completion as a response of Google's (ai.google.dev/api/generate-content, 2026-11)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.providers.reading import mapping, mappings, text, without_nulls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shared.domain import Json, JsonObject, Usage

_FINISH_REASONS: Final[Mapping[str, str]] = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}


def content_of(completion: JsonObject, usage: Usage | None) -> JsonObject:
    """Translate a whole completion."""
    candidates: list[Json] = [
        candidate(index_of(choice), parts_of(mapping(choice.get("message"))), choice)
        for choice in mappings(completion.get("choices"))
    ]
    return response(text(completion.get("id")), candidates, usage)


def response(id_: str, candidates: list[Json], usage: Usage | None) -> JsonObject:
    """Write a response; of a stream, one of several."""
    body: JsonObject = {
        "candidates": candidates,
        "usageMetadata": told_usage(usage),
        "modelVersion": "",
        "responseId": id_,
    }
    return without_nulls(body)


def candidate(index: int, parts: list[Json], choice: JsonObject) -> JsonObject:
    """Write one candidate with why it ended, if it has."""
    reason = choice.get("finish_reason")
    made: JsonObject = {
        "content": {"parts": parts, "role": "model"},
        "finishReason": finish_reason(reason) if reason else None,
        "index": index,
    }
    return without_nulls(made)


def finish_reason(reason: Json) -> str:
    """Tell in Google's words why the model stopped."""
    return _FINISH_REASONS.get(text(reason), "STOP")


def index_of(choice: JsonObject) -> int:
    """Read which choice it is."""
    found = choice.get("index", 0)
    return found if isinstance(found, int) else 0


def told_usage(usage: Usage | None) -> JsonObject | None:
    """Write usage as Google does: thoughts beside the candidates."""
    if usage is None:
        return None
    told: JsonObject = {
        "promptTokenCount": usage.prompt_tokens,
        "candidatesTokenCount": usage.completion_tokens - usage.reasoning_tokens,
        "thoughtsTokenCount": usage.reasoning_tokens or None,
        "cachedContentTokenCount": usage.cached_tokens or None,
        "totalTokenCount": usage.total_tokens,
    }
    return without_nulls(told)


def parts_of(said: JsonObject) -> list[Json]:
    """Write a message, or a delta but for its calls."""
    content = said.get("content")
    if isinstance(content, list):
        content = "".join(text(part.get("text")) for part in mappings(content))
    told = text(content) or text(said.get("refusal"))
    images = [_image(mapping(one.get("image_url"))) for one in mappings(said.get("images"))]
    return [
        *_thoughts(said),
        *([{"text": told}] if told else []),
        *(image for image in images if image),
        *(call_part(one) for one in mappings(said.get("tool_calls")) if "index" not in one),
    ]


def call_part(call: JsonObject) -> JsonObject:
    """Write a call of a function, once all of its arguments are there."""
    function = mapping(call.get("function"))
    made: JsonObject = {
        "id": text(call.get("id")) or None,
        "name": text(function.get("name")),
        "args": _given(text(function.get("arguments"))),
    }
    return {"functionCall": without_nulls(made)}


def _given(arguments: str) -> JsonObject:
    """Read a call's arguments; what a model wrote that is no JSON object is shown as it is."""
    try:
        given: Json = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        given = None
    return given if isinstance(given, dict) else {"arguments": arguments}


def _thoughts(said: JsonObject) -> list[Json]:
    found: list[Json] = []
    for block in mappings(said.get("thinking_blocks")):
        part: JsonObject = {
            "text": text(block.get("thinking")),
            "thought": True,
            "thoughtSignature": text(block.get("signature")) or None,
        }
        found.append(without_nulls(part))
    reasoning = text(said.get("reasoning_content")) or text(said.get("reasoning"))
    if reasoning and not found:
        found.append({"text": reasoning, "thought": True})
    return found


def _image(held: JsonObject) -> JsonObject:
    kind, _, data = text(held.get("url")).removeprefix("data:").partition(";base64,")
    return {"inlineData": {"mimeType": kind, "data": data}} if data else {}
