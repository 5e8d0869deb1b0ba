"""How Gemini counts tokens.

Cached tokens lie within the prompt; thoughts are counted beside the candidates, and what Google's
own tools read beside the prompt (ai.google.dev/api/generate-content#UsageMetadata, read 2026-11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.domain import Usage
from shared.providers.reading import mapping
from shared.providers.usage import count

if TYPE_CHECKING:
    from shared.domain import Json, JsonObject


def content_usage(body: JsonObject) -> Usage | None:
    """Read a response's `usageMetadata`; None when it tells nothing."""
    told = mapping(body.get("usageMetadata"))
    prompt = count(told.get("promptTokenCount")) + count(told.get("toolUsePromptTokenCount"))
    thoughts = count(told.get("thoughtsTokenCount"))
    completion = count(told.get("candidatesTokenCount")) + thoughts
    if prompt == completion == 0:
        return None
    read, made = told.get("promptTokensDetails"), told.get("candidatesTokensDetails")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=min(count(told.get("cachedContentTokenCount")), prompt),
        reasoning_tokens=thoughts,
        audio_tokens=_of_kind(read, "AUDIO", prompt),
        image_tokens=_of_kind(read, "IMAGE", prompt),
        spoken_tokens=_of_kind(made, "AUDIO", completion - thoughts),
        drawn_tokens=_of_kind(made, "IMAGE", completion - thoughts),
        searches=_searches(body),
    )


def _of_kind(details: Json, kind: str, most: int) -> int:
    """Read how many of the tokens are of a kind: Gemini lists them as `modality`."""
    listed = [mapping(each) for each in details] if isinstance(details, list) else []
    told = [count(each.get("tokenCount")) for each in listed if each.get("modality") == kind]
    return min(sum(told), most)


def _searches(body: JsonObject) -> int:
    """Count what was asked of Google's search for an answer."""
    candidates = body.get("candidates")
    listed = candidates if isinstance(candidates, list) else []
    grounds = [mapping(mapping(each).get("groundingMetadata")) for each in listed]
    queries = [ground.get("webSearchQueries") for ground in grounds]
    return sum(len(each) for each in queries if isinstance(each, list))
