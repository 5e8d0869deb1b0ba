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
    cached = min(count(told.get("cachedContentTokenCount")), prompt)
    kept = told.get("cacheTokensDetails")
    searches, map_searches = _searches(body)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached,
        reasoning_tokens=thoughts,
        audio_tokens=_of_kind(read, "AUDIO", prompt),
        image_tokens=_of_kind(read, "IMAGE", prompt),
        spoken_tokens=_of_kind(made, "AUDIO", completion - thoughts),
        drawn_tokens=_of_kind(made, "IMAGE", completion - thoughts),
        searches=searches,
        map_searches=map_searches,
        cached_audio_tokens=_of_kind(kept, "AUDIO", cached),
        cached_image_tokens=_of_kind(kept, "IMAGE", cached),
    )


def _of_kind(details: Json, kind: str, most: int) -> int:
    """Read how many of the tokens are of a kind: Gemini lists them as `modality`."""
    listed = [mapping(each) for each in details] if isinstance(details, list) else []
    told = [count(each.get("tokenCount")) for each in listed if each.get("modality") == kind]
    return min(sum(told), most)


def _searches(body: JsonObject) -> tuple[int, int]:
    """Count what was asked of Google's search and of its maps for an answer.

    Queries are the maps' where nothing but maps was found; an answer that maps grounded asked them
    once at least (as LiteLLM 1.109.1 counts).
    """
    candidates = body.get("candidates")
    listed = candidates if isinstance(candidates, list) else []
    web = maps = 0
    has_maps = False
    for each in listed:
        ground = mapping(mapping(each).get("groundingMetadata"))
        queries = ground.get("webSearchQueries")
        asked = len(queries) if isinstance(queries, list) else 0
        kinds = _found_kinds(ground.get("groundingChunks"))
        is_of_maps = "maps" in kinds or bool(ground.get("googleMapsWidgetContextToken"))
        has_maps = has_maps or is_of_maps
        if is_of_maps and "web" not in kinds:
            maps += asked
        else:
            web += asked
    return web, max(maps, 1) if has_maps else 0


def _found_kinds(chunks: Json) -> set[str]:
    listed = chunks if isinstance(chunks, list) else []
    return {kind for chunk in listed for kind in mapping(chunk)}
