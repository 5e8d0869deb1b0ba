"""A response of Gemini's as a chat completion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import orjson

from shared.errors import ContentPolicyViolated
from shared.providers.chunks import completion
from shared.providers.dialect import Reply
from shared.providers.gemini.extras import logprobs, with_sources
from shared.providers.gemini.usage import content_usage
from shared.providers.reading import mapping, mappings, text
from shared.providers.signed_calls import signed_id
from shared.providers.usage import text_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from shared.domain import Call, Json, JsonObject

# ai.google.dev/api/generate-content#FinishReason and google-genai 3.4, read 2026-11.
_FINISH_REASONS: Final[Mapping[str, str]] = {
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        [
            *("SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"),
        ],
        "content_filter",
    ),
}


def chat_reply(call: Call, body: JsonObject) -> Reply:
    """Translate a whole response; raise ContentPolicyViolated when the prompt was blocked."""
    refuse_if_blocked(body)
    usage = content_usage(body)
    response_id = text(body.get("responseId"))
    choices: list[Json] = [
        _choice(candidate, response_id) for candidate in mappings(body.get("candidates"))
    ]
    return Reply(
        body=completion(call, response_id, choices, usage),
        usage=usage,
        response_id=response_id or None,
        text_bytes=text_bytes(choices),
    )


def refuse_if_blocked(body: JsonObject) -> None:
    """Raise ContentPolicyViolated when Gemini would not read the prompt."""
    reason = text(mapping(body.get("promptFeedback")).get("blockReason"))
    if reason and not body.get("candidates"):
        raise ContentPolicyViolated(
            f"The provider blocked the prompt ({reason[:64]}).",
            status=400,
            type="invalid_request_error",
            retryable=False,
        )


def finish_reason(candidate: JsonObject, *, has_calls: bool) -> str | None:
    """Tell in OpenAI's words why the model stopped; None when it has not."""
    told = text(candidate.get("finishReason"))
    if not told or told == "FINISH_REASON_UNSPECIFIED":
        return None
    return _FINISH_REASONS.get(told, "tool_calls" if has_calls else "stop")


def pieces(parts: Iterable[JsonObject], response_id: str, first_call: int) -> JsonObject:
    """Write parts as a message or a delta holds them; calls are numbered from `first_call`."""
    said, thoughts = "", ""
    signatures: list[Json] = []
    calls: list[Json] = []
    images: list[Json] = []
    for part in parts:
        if signature := text(part.get("thoughtSignature")):
            signatures.append(signature)
        match part:
            case {"functionCall": dict() as made}:
                calls.append(_call(made, f"{response_id}_{first_call + len(calls)}", signature))
            case {"text": str(words)}:
                thoughts += words if part.get("thought") is True else ""
                said += "" if part.get("thought") is True else words
            case {"inlineData": {"mimeType": str(kind), "data": str(data)}}:
                url = f"data:{kind};base64,{data}"
                images.append({"type": "image_url", "image_url": {"url": url}})
            case _:
                pass  # code that Google ran, and its output: a chat has no place for them
    told: dict[str, Json] = {
        "content": said,
        "reasoning_content": thoughts,
        "tool_calls": calls,
        "images": images,
        "provider_specific_fields": {"thought_signatures": signatures} if signatures else None,
    }
    return {name: value for name, value in told.items() if value}


def _choice(candidate: JsonObject, response_id: str) -> JsonObject:
    parts = mappings(mapping(candidate.get("content")).get("parts"))
    index = candidate.get("index", 0)
    said = pieces(parts, f"{response_id}_{index}" if index else response_id, 0)
    message: JsonObject = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        **with_sources(said, candidate, text(said.get("content"))),
    }
    return {
        "index": index,
        "message": message,
        "finish_reason": finish_reason(candidate, has_calls="tool_calls" in message) or "stop",
        "logprobs": logprobs(candidate),
    }


def _call(made: JsonObject, fallback_id: str, signature: str) -> JsonObject:
    arguments = orjson.dumps(mapping(made.get("args"))).decode()
    call: JsonObject = {
        "id": signed_id(text(made.get("id")) or f"call_{fallback_id}", signature),
        "type": "function",
        "function": {"name": made.get("name"), "arguments": arguments},
    }
    if signature:
        call["provider_specific_fields"] = {"thought_signature": signature}
    return call
