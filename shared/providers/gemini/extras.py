"""What Gemini tells beside the words: probabilities of tokens, and where an answer comes from.

By the types LogprobsResult, GroundingMetadata and CitationMetadata of google-genai 3.4, read
2026-11. Places in the text are counted in bytes there, in characters at OpenAI.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared.providers.reading import mapping, mappings, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.domain import Json, JsonObject

_SPECIFIC: Final = "provider_specific_fields"


def logprobs(candidate: JsonObject) -> JsonObject | None:
    """Write probabilities as OpenAI does."""
    told = mapping(candidate.get("logprobsResult"))
    chosen = mappings(told.get("chosenCandidates"))
    if not chosen:
        return None
    top = [mappings(step.get("candidates")) for step in mappings(told.get("topCandidates"))]
    content: list[Json] = [
        {**_token(one), "top_logprobs": [*map(_token, top[i] if i < len(top) else [])]}
        for i, one in enumerate(chosen)
    ]
    return {"content": content, "refusal": None}


def with_sources(said: JsonObject, candidate: JsonObject, words: str) -> JsonObject:
    """Add to what is said where it comes from; `words` are all that were said until now."""
    found = _sources(candidate, words)
    specific = {**mapping(said.get(_SPECIFIC)), **mapping(found.get(_SPECIFIC))}
    return {**said, **found, **({_SPECIFIC: specific} if specific else {})}


def _sources(candidate: JsonObject, said: str) -> JsonObject:
    """Write where an answer comes from: as OpenAI's annotations, and as Google told it."""
    grounding = mapping(candidate.get("groundingMetadata"))
    told = {
        "grounding_metadata": grounding,
        "citation_metadata": mapping(candidate.get("citationMetadata")),
        "url_context_metadata": mapping(candidate.get("urlContextMetadata")),
    }
    found: JsonObject = {}
    if annotations := list(_annotations(grounding, said)):
        found["annotations"] = [*annotations]
    if specific := {name: value for name, value in told.items() if value}:
        found[_SPECIFIC] = {**specific}
    return found


def _token(one: JsonObject) -> JsonObject:
    word = text(one.get("token"))
    return {"token": word, "logprob": one.get("logProbability"), "bytes": [*word.encode()]}


def _annotations(grounding: JsonObject, said: str) -> Iterator[JsonObject]:
    chunks = mappings(grounding.get("groundingChunks"))
    for support in mappings(grounding.get("groundingSupports")):
        segment = mapping(support.get("segment"))
        indices = support.get("groundingChunkIndices")
        for index in indices if isinstance(indices, list) else []:
            if not isinstance(index, int) or not 0 <= index < len(chunks):
                continue
            web = mapping(chunks[index].get("web"))
            yield {
                "type": "url_citation",
                "url_citation": {
                    "start_index": _characters(said, segment.get("startIndex")),
                    "end_index": _characters(said, segment.get("endIndex")),
                    "title": text(web.get("title")),
                    "url": text(web.get("uri")),
                },
            }


def _characters(said: str, at: Json) -> int:
    held = said.encode()[: at if isinstance(at, int) and at > 0 else 0]
    return len(held.decode(errors="ignore"))
